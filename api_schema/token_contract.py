"""How the committed contract describes the token endpoint, which answers as OAuth 2.0 says, not with problems."""

from typing import Any

CLIENT = {
    "type": "http",
    "scheme": "basic",
    "description": "The client's id and secret, at the token endpoint alone (RFC 6749 section 2.3.1).",
}
TOKEN_SCHEMAS: dict[str, Any] = {
    "TokenRequest": {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"type": "string", "const": "client_credentials"},
            "scope": {"type": "string", "description": "Fewer scopes than the client has.", "maxLength": 255},
            "client_assertion_type": {
                "type": "string",
                "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            },
            "client_assertion": {"type": "string", "description": "A JWT that is good once.", "maxLength": 6600},
        },
    },
    "Token": {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope"],
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"type": "string", "const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds."},
            "scope": {"type": "string"},
        },
    },
    "TokenRefused": {
        "type": "object",
        "description": "Why no token is given (RFC 6749 section 5.2).",
        "required": ["error"],
        "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
    },
}
TOKEN: dict[str, Any] = {
    "post": {
        "operationId": "get_token",
        "summary": "Get an access token",
        "description": "OAuth 2.0 client credentials (RFC 6749 section 4.4). The client signs an assertion "
        "(`private_key_jwt`, RFC 7523); where secrets are taken, HTTP Basic does too. "
        "`/.well-known/oauth-authorization-server` says which. Over mutual TLS the token is bound to the certificate.",
        "tags": ["Tokens"],
        "security": [{"client": []}],
        "x-traits": None,
        "x-problems": ["internal", "unavailable"],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {"$ref": "#/components/schemas/TokenRequest"},
                    "example": {"grant_type": "client_credentials"},
                }
            },
        },
        "responses": {
            "200": {
                "description": "A token.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Token"},
                        "example": {
                            "access_token": "Q2xpZW50LXRva2Vu",
                            "token_type": "Bearer",
                            "expires_in": 600,
                            "scope": "referrals consents",
                        },
                    }
                },
            },
            "400": {
                "description": "The request asks for what the client may not have (RFC 6749 section 5.2).",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/TokenRefused"},
                        "example": {"error": "invalid_scope"},
                    }
                },
            },
            "401": {
                "description": "The client is not known, or has not proven itself: its assertion, or its secret, is "
                "wrong (RFC 6749 section 5.2).",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/TokenRefused"},
                        "example": {"error": "invalid_client"},
                    }
                },
            },
            "429": {
                "description": "The client asks for more tokens than it needs, or its address failed too often.",
                "headers": {
                    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer"}}
                },
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/TokenRefused"},
                        "example": {"error": "slow_down"},
                    }
                },
            },
        },
    }
}
