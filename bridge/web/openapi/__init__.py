"""The OpenAPI document and the page that is generated from it."""
