"""Does the steps of standard input, a JSON array of [what, arguments], as a program written for OpenExec 0.1.10 would."""

import json
import sys

sys.path.insert(0, sys.argv[1])
from openexec_client import OpenExec, action_hash, is_receipt_right  # noqa: E402

client = OpenExec(sys.argv[2])


def execute(arguments):
    status, answer = client.execute(**arguments)
    if status != 200:
        return {"status": status, "answer": answer}
    forged = client.verify({**answer, "result": {"forged": True}})
    return {
        "status": status,
        "answer": answer,
        "receipt_computed": is_receipt_right(answer),
        "receipt_asked": client.verify(answer),
        "receipt_forged": forged,
    }


def get(path):
    status, answer = client.call("GET", path)
    return {"status": status, "answer": answer}


WHAT = {"execute": execute, "get": get, "hash": lambda arguments: action_hash(**arguments)}
print(json.dumps([WHAT[what](arguments) for what, arguments in json.load(sys.stdin)]))
