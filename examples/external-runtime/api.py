"""The few calls a runtime makes. Everything may be sent again: the orchestrator applies each thing once."""

import json
import time
import urllib.error
import urllib.request

AWAY_SECONDS = 120


class Refused(Exception):
    """The orchestrator said no; `code` is from its error catalogue."""

    def __init__(self, status, problem, retry_after=None):
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.code = problem.get("code")
        self.retry_after = float(retry_after or 1)


class Api:
    def __init__(self, url, token):
        self.url = url.rstrip("/") + "/api/v1"
        self.token = token

    def call(self, method, path, body=None, media_type="application/json", timeout=60):
        """The answer's body; None for an empty one. Goes on trying for two minutes while nobody is there."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media_type}
        until = time.monotonic() + AWAY_SECONDS
        while True:
            request = urllib.request.Request(self.url + path, data, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=timeout) as answer:
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                if error.code < 500 or time.monotonic() > until:
                    problem = json.loads(error.read() or b"{}")
                    raise Refused(error.code, problem, error.headers.get("Retry-After")) from None
            except OSError:
                if time.monotonic() > until:
                    raise
            time.sleep(1)

    def keep(self, content):
        """Stores bytes; answers the hash that names them."""
        return self.call("PUT", "/blobs", content, "application/octet-stream")["cas_id"]
