"""Proposes an action and waits for the outcome, with the standard library alone.

    python3 examples/propose.py SOCKET NONCE ACTION [PAYLOAD] [REASON]

It may be killed and started again, and so may the daemon: under the same nonce it is the same
proposal. Prints the result as JSON, or why there is none. Exit codes: 0 succeeded; 1 refused,
declined or failed, where `effect` says whether anything may have happened; 4 the outcome is unknown.
"""

import http.client
import json
import socket
import sys
import time

HELD_SECONDS = 50
"""How long the daemon holds one question open; 600 at most."""

OVER, UNDECIDED = 200, 202


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def propose_and_wait(socket_path, nonce, action, payload, reason=None):
    """Returns (status, proposal) once it is over, or (status, problem) where it was refused."""
    body = {"action": action, "payload": payload, "nonce": nonce}
    if reason is not None:
        body["reason"] = reason
    text = json.dumps(body)  # the same bytes whenever it is sent
    delay = 0.1
    while True:
        try:
            status, answer = post(socket_path, text)
        except (OSError, http.client.HTTPException, ValueError):
            # nobody there, or the answer broke off: the nonce makes it safe to ask again
            time.sleep(delay)
            delay = min(delay * 2, 5)
            continue
        delay = 0.1
        if status == UNDECIDED:
            continue
        if status != OVER and answer.get("retry") == "same_request" and answer.get("effect") == "none":
            time.sleep(1)  # halted, draining, full
            continue
        return status, answer


def post(socket_path, text):
    connection = UnixConnection(socket_path, timeout=HELD_SECONDS + 20)
    try:
        headers = {"Content-Type": "application/json", "Prefer": f"wait={HELD_SECONDS}"}
        connection.request("POST", "/proposals", text, headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def main(socket_path, nonce, action, payload="{}", reason=None):
    status, answer = propose_and_wait(socket_path, nonce, action, json.loads(payload), reason)
    if status == OVER and answer["status"] == "succeeded":
        print(json.dumps(answer["execution"]["result"]))
        return 0
    problem = answer.get("problem", answer)
    decline = answer.get("decline")
    told = {name: problem.get(name) for name in ("code", "detail", "effect", "retry")}
    if decline is not None:
        told["declined_by"], told["reason"] = decline["by"], decline["reason"]
    print(json.dumps(told))
    return 4 if problem.get("code") in ("outcome_unknown", "internal_error") else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
