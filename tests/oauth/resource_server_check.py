#!/usr/bin/env python3
"""A resource server made with the published library Authlib (PyPI), whose tokens are introspected by Jeton.

usage: resource_server_check.py ISSUER CA_FILE CLIENT_ID CLIENT_SECRET READER NOBODY
READER: a live token with the global scope `read`. NOBODY: a live token without scopes.
Prints `passed` and exits 0 only if everything holds."""
import sys
from types import SimpleNamespace

import requests
from authlib.oauth2 import OAuth2Error, ResourceProtector
from authlib.oauth2.rfc7662 import IntrospectTokenValidator

issuer, ca_file, client_id, client_secret, reader, nobody = sys.argv[1:]
http = requests.Session()
http.trust_env = False
http.verify = ca_file


class JetonValidator(IntrospectTokenValidator):
    """As the library's documentation tells its users to write it."""

    def introspect_token(self, token_string):
        metadata = http.get(issuer + "/.well-known/oauth-authorization-server", timeout=60)
        metadata.raise_for_status()
        endpoint = metadata.json()["introspection_endpoint"]
        response = http.post(endpoint, {"token": token_string}, auth=(client_id, client_secret), timeout=60)
        response.raise_for_status()
        return response.json()


protector = ResourceProtector()
protector.register_token_validator(JetonValidator(realm="api"))


def status(authorization, *scopes):
    """What a request with this header is answered that needs one of these scopes."""
    headers = {"Authorization": authorization} if authorization else {}
    try:
        token = protector.validate_request(list(scopes), SimpleNamespace(headers=headers))
    except OAuth2Error as error:
        return error.status_code
    assert token["client_id"] == "demo", token
    return 200


for expected, authorization, scopes in [
    (200, f"Bearer {reader}", ["read"]),
    (200, f"bearer {reader}", ["write", "read"]),
    (200, f"Bearer {reader}", []),
    (403, f"Bearer {reader}", ["write"]),
    (403, f"Bearer {reader}", ["read write"]),
    (200, f"Bearer {nobody}", []),
    (403, f"Bearer {nobody}", ["read"]),
    (401, "Bearer garbage", ["read"]),
    (401, None, ["read"]),
]:
    found = status(authorization, *scopes)
    assert found == expected, (expected, found, authorization and authorization[:6], scopes)
revoked = http.post(issuer + "/oauth2/revoke", {"token": reader}, auth=(client_id, client_secret), timeout=60)
assert (revoked.status_code, revoked.content) == (200, b""), revoked.text
assert status(f"Bearer {reader}", "read") == 401
print("passed")
