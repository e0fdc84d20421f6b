"""One peer of a flooded daemon: KIND SOCKET SECONDS CONNECTIONS, and lines of requests on standard input.

Prints how many answers it had with status 200, how many with another, and how many connections broke.
"""

import json
import socket
import sys
import threading
import time

KIND, PATH, SECONDS, CONNECTIONS = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
LINES = [line for line in sys.stdin.read().split("\n") if line]
END = time.monotonic() + SECONDS
LOCK = threading.Lock()
COUNTS = {"ok": 0, "refused": 0, "broken": 0}
BODY_BYTES = 2 * 2**20


def connect():
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(max(0.1, END - time.monotonic()))
    peer.connect(PATH)
    return peer


def post(body, length=None, path="/execute"):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


def read_answer(peer, rest=b""):
    """Reads one answer; returns its status, its body and what came behind it."""
    while b"\r\n\r\n" not in rest:
        more = peer.recv(262144)
        if not more:
            raise OSError("closed")
        rest += more
    head, _, rest = rest.partition(b"\r\n\r\n")
    fields = [line.split(b": ") for line in head.lower().split(b"\r\n")[1:]]
    length = next(int(value) for name, value in fields if name == b"content-length")
    parts, have = [rest], len(rest)
    while have < length:
        parts.append(peer.recv(262144))
        have += len(parts[-1])
        if not parts[-1]:
            raise OSError("closed")
    whole = b"".join(parts)
    return int(head[9:12]), whole[:length], whole[length:]


def count(status):
    with LOCK:
        COUNTS["ok" if status == 200 else "refused"] += 1


def honest(peer):
    while time.monotonic() < END:
        with LOCK:
            if not LINES:
                return
            line = LINES.pop()
        peer.sendall(post(line.encode()))
        count(read_answer(peer)[0])


def large_bodies(peer):
    body = b'{"action":"echo","nonce":"n","payload":{"a":[' + b"1," * (BODY_BYTES // 2 - 64) + b"1]}}"
    while time.monotonic() < END:
        peer.sendall(post(body))
        count(read_answer(peer)[0])


def unfinished_bodies(peer):
    peer.sendall(post(b" " * (BODY_BYTES - 1), BODY_BYTES))
    count(read_answer(peer)[0])


def pipelined(peer):
    request = f"GET /executions/{EXECUTION} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    rest = b""
    while time.monotonic() < END:
        peer.sendall(request * 16)
        for _ in range(16):
            status, _, rest = read_answer(peer, rest)
            count(status)


def unread(peer):
    peer.sendall(f"GET /executions/{EXECUTION} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 16)
    time.sleep(max(0, END - time.monotonic()))


def woken(peer):
    peer.sendall(f"GET /proposals/{PROPOSAL} HTTP/1.1\r\nHost: x\r\nPrefer: wait=600\r\n\r\n".encode())
    time.sleep(max(0, END - time.monotonic()))


def idle(peer):
    time.sleep(max(0, END - time.monotonic()))


def busy_processor(peer):
    while time.monotonic() < END:
        pass


def small_requests(peer):
    while time.monotonic() < END:
        peer.sendall(post(b'{"action":"echo","nonce":"n"}'))
        count(read_answer(peer)[0])


def keep_up(act):
    while time.monotonic() < END:
        try:
            with connect() as peer:
                act(peer)
        except OSError:
            with LOCK:
                COUNTS["broken"] += 1
        if act is honest and not LINES:
            return


def make_result():
    """Has a large result of its own, by an approved request."""
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(PATH)
    peer.sendall(post(LINES.pop().encode()))
    return json.loads(read_answer(peer)[1])["id"]


def propose():
    """Has a large proposal that waits, and takes it back after a while."""
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(PATH)
    body = b'{"action":"echo","nonce":"n","payload":{"a":[' + b"1," * (BODY_BYTES // 2 - 64) + b"1]}}"
    peer.sendall(post(body, path="/proposals"))
    proposal = json.loads(read_answer(peer)[1])["id"]
    withdrawal = f"DELETE /proposals/{proposal} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    threading.Timer(SECONDS / 3, peer.sendall, (withdrawal,)).start()
    return proposal


def reconnect():
    threads = [threading.Thread(target=keep_up, args=(idle,)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    while time.monotonic() < END:
        try:
            connect().close()
        except OSError:
            COUNTS["broken"] += 1


ACTS = {
    "honest": honest,
    "large bodies": large_bodies,
    "unfinished bodies": unfinished_bodies,
    "pipelined large answers": pipelined,
    "unread large answers": unread,
    "small requests": small_requests,
    "woken": woken,
    "busy processor": busy_processor,
}
threading.stack_size(256 * 1024)
EXECUTION = make_result() if "answers" in KIND else None
PROPOSAL = propose() if KIND == "woken" else None
if KIND == "reconnects":
    reconnect()
else:
    workers = [threading.Thread(target=keep_up, args=(ACTS[KIND],), daemon=True) for _ in range(CONNECTIONS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0, END - time.monotonic()) + 1)
print(json.dumps(COUNTS))
