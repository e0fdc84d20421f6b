"""A client in Python, with nothing but the standard library: HTTP over a Unix socket.

It sends approvals of openexec (`approval`) and artifacts of OpenExec 0.1.10 (`approval_artifact`).
"""

import hashlib
import http.client
import json
import socket
import time


class UnixConnection(http.client.HTTPConnection):
    """What was http.client.HTTPConnection("localhost", 5000)."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class Unreachable(Exception):
    """No answer came.

    effect is "none" if no attempt sent anything, else "unknown": it may have run. Send the very
    same request again then: its nonce keeps it from running twice.
    """

    def __init__(self, effect, why):
        super().__init__(f"{why} (effect: {effect})")
        self.effect = effect
        self.why = why


class OpenExec:
    ATTEMPTS = 5

    def __init__(self, socket_path):
        self.socket_path = socket_path

    def call(self, method, path, body=None):
        """One exchange: the status and the answer. Raises Unreachable."""
        data = None if body is None else json.dumps(body)
        connection = UnixConnection(self.socket_path)
        try:
            connection.connect()
        except OSError as error:
            raise Unreachable("none", error) from error
        try:
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable("unknown", error) from error
        finally:
            connection.close()

    def execute(self, action, payload, nonce, approval=None, approval_artifact=None):
        """Runs a request, or finds out how it ended. What `openexec approve` prints are the arguments.

        Sends the same request again where that is safe. Raises Unreachable, whose effect is never
        "none" once an attempt may have had one.
        """
        request = {"action": action, "payload": payload, "nonce": nonce}
        if approval is not None:
            request["approval"] = approval
        if approval_artifact is not None:
            request["approval_artifact"] = approval_artifact
        may_have_run = False
        for attempt in range(self.ATTEMPTS):
            time.sleep(0 if attempt == 0 else 0.1 * 2**attempt)
            try:
                status, answer = self.call("POST", "/execute", request)
                effect, retry, why = answer.get("effect"), answer.get("retry"), answer.get("code")
            except Unreachable as error:
                status, effect, retry, why = None, error.effect, "same_request", error.why
            may_have_run = may_have_run or effect == "unknown"
            if retry != "same_request":
                break
        if status is None or (may_have_run and effect == "none"):
            raise Unreachable("unknown" if may_have_run else "none", why)
        return status, answer

    def verify(self, answer):
        """Asks the service whether the receipt belongs to the result."""
        body = {"exec_id": answer["id"], "result": result_text(answer), "receipt": answer["receipt"]}
        return self.call("POST", "/receipts/verify", body)


def result_text(answer):
    return json.dumps(answer["result"], sort_keys=True)


def is_receipt_right(answer):
    """The same, computed here."""
    text = answer["id"] + ":" + result_text(answer)
    return hashlib.sha256(text.encode()).hexdigest() == answer["receipt"]


def action_hash(action, payload):
    """What a ClawShield artifact is signed for."""
    text = json.dumps({"action": action, "payload": payload}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
