"""How providers are asked over HTTP: what language models and embedders share.

Owns addresses, keys, limits and what a failure means, not what is asked. Invariant: importing this
package imports no provider's client and no HTTP.
"""
