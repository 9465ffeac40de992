#!/usr/bin/env python3
"""A client of Jeton in Python's standard library: issue, list, check, narrow and revoke tokens.

    examples/client.py [CREDENTIALS]

CREDENTIALS is the file that the first run wrote (default: jeton-data/first-run.json).
JETON_URL says where the server is (default: http://127.0.0.1:8080).
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    """The server understood the request and refuses it."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class Unavailable(Exception):
    """Nothing was found out: try again. Never treat this as "the token is bad", or as "it is good"."""


class Jeton:
    def __init__(self, url, app, admin_token, client_id, client_secret):
        self.url, self.app = url.rstrip("/"), app
        self.admin = f"Bearer {admin_token}"
        pair = f"{client_id}:{client_secret}".encode()
        self.client = "Basic " + base64.b64encode(pair).decode()

    def issue(self, user_id, permissions, days, title=""):
        """The secret of a new token. Only what this returns is certain to be shown once."""
        body = {"title": title, "permissions": ",".join(permissions), "expireInDays": days}
        return self._manage("POST", f"?userId={user_id}", body)["access_token"]

    def tokens(self, user_id):
        """All tokens of a user, newest first, page by page."""
        skip = 0
        while True:
            page = self._manage("GET", f"?userId={user_id}&skip={skip}&take=100")["data"]
            yield from page
            if len(page) < 100:
                return
            skip += len(page)

    def narrow(self, token_id, permissions):
        self._manage("PUT", f"/{token_id}", {"permissions": ",".join(permissions)})

    def revoke(self, token_id):
        self._manage("DELETE", f"/{token_id}")

    def check(self, token, permission, resource_id=None):
        """What a backend asks about a token that it was handed: `allowed`, and if not, `reason`."""
        body = {"token": token, "permission": permission}
        if resource_id is not None:
            body["resource"] = {"id": resource_id}
        return self._ask("POST", f"/verify/{urllib.parse.quote(self.app)}", self.client, body)

    def _manage(self, method, rest, body=None):
        path = f"/AccessToken/{urllib.parse.quote(self.app)}{rest}"
        return self._ask(method, path, self.admin, body)["data"]

    def _ask(self, method, path, authorization, body=None):
        headers = {"Authorization": authorization}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            if error.code in (408, 429) or error.code >= 500:
                raise Unavailable(f"{error.code}: {text}") from error
            raise Refused(error.code, text) from error
        except OSError as error:
            raise Unavailable(str(error)) from error


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "jeton-data/first-run.json"
    with open(path, encoding="utf-8") as file:
        made = json.load(file)
    jeton = Jeton(
        os.environ.get("JETON_URL", "http://127.0.0.1:8080"),
        made["app_key"],
        made["admin_token"],
        made["client_id"],
        made["client_secret"],
    )

    token = jeton.issue(user_id=7, permissions=["read", "write"], days=30, title="client.py")
    answer = jeton.check(token, "write")
    token_id = answer["token_id"]
    print(f"token {token_id}: may write: {answer['allowed']}")
    print("listed:", any(row["id"] == token_id for row in jeton.tokens(user_id=7)))

    jeton.narrow(token_id, ["read"])
    answer = jeton.check(token, "write")
    print(f"narrowed: may write: {answer['allowed']} ({answer['reason']})")

    jeton.revoke(token_id)
    answer = jeton.check(token, "read")
    print(f"revoked: may read: {answer['allowed']} ({answer['reason']})")


if __name__ == "__main__":
    main()
