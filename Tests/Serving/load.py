#!/usr/bin/env python3
"""1,000 requests over 8 connections to `lockstep serve`: how many were answered, and how long they took.

load.py ADDRESS PICTURE [PATH], e.g. load.py http://127.0.0.1:8080 letter.jpg /v1/read
"""

import collections
import http.client
import sys
import threading
import time
import urllib.parse

REQUESTS, CONNECTIONS = 1000, 8


def main(address, picture, path="/v1/read"):
    host = urllib.parse.urlparse(address).netloc
    with open(picture, "rb") as file:
        body = file.read()
    left = iter(range(REQUESTS))
    lock = threading.Lock()
    seconds, outcomes = [], collections.Counter()

    def client():
        connection = http.client.HTTPConnection(host, timeout=60)
        while True:
            with lock:
                if next(left, None) is None:
                    return
            start = time.perf_counter()
            try:
                connection.request("POST", path, body)
                answer = connection.getresponse()
                answer.read()
                outcome = answer.status
            except (OSError, http.client.HTTPException) as error:
                outcome = repr(error)
                connection.close()
            with lock:
                seconds.append(time.perf_counter() - start)
                outcomes[outcome] += 1

    start = time.perf_counter()
    clients = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    wall = time.perf_counter() - start
    seconds.sort()
    print("answers:", ", ".join(f"{count} × {outcome}" for outcome, count in outcomes.items()))
    print(f"{REQUESTS / wall:.1f} requests/s;", ", ".join(
        f"p{100 * part:g} {1000 * seconds[int(part * (len(seconds) - 1))]:.0f} ms" for part in [0.5, 0.9, 0.99, 1]))
    return outcomes[200] != REQUESTS


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
