"""The OpenAPI document, which is made when somebody asks for it."""
