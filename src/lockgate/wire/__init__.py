"""The words that our HTTP API and our client both speak.

values     JSON, read strictly and written exactly
records    domain objects ↔ JSON values
problems   errors ↔ problem+json
bodies     what requests carry (server side: pydantic)
answers    the schemas of what comes back (server side: pydantic)
"""
