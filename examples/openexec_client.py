"""A client of OpenExec 0.1.10 on its new transport: the same requests, over a Unix socket, with the standard library."""

import hashlib
import http.client
import json
import socket


class UnixConnection(http.client.HTTPConnection):
    """What was http.client.HTTPConnection("localhost", 5000)."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class OpenExec:
    def __init__(self, socket_path):
        self.connection = UnixConnection(socket_path)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body)
        self.connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, json.load(answer)

    def execute(self, action, payload, nonce, artifact=None):
        request = {"action": action, "payload": payload, "nonce": nonce}
        if artifact is not None:
            request["approval_artifact"] = artifact
        return self.call("POST", "/execute", request)

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
