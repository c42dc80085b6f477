"""The client: the verbs of `lockgate.registry.Registry`, over HTTP.

client       the verbs, put together from one file a noun
calls        what every verb stands on: paths, bodies, who acts
transport    one request and its answer: pooling, retries, errors
"""
