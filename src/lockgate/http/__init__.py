"""The HTTP API. A request passes from the outside in:

gate        limits, Host, request id; whatever escapes from below becomes a problem
hot         the reads that programs ask all day, answered on the event loop
app         FastAPI: one file of routes a noun
calls       one request: who asks, the registry acting for them, the answer
"""
