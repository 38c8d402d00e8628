#!/usr/bin/env python3
"""serve against FastAPI and uvicorn: 32 clients, the same model, threads and pictures, in turn.

    reference-env/bin/python bench/serve.py --data DIR [--rounds 4] [--seconds 15] [--clients 32] [--threads 2] [--old PROGRAM]

All servers are started once and asked in turn, so that a machine whose speed drifts disturbs all alike. Ratios to
Python are of one such round: above 1 Go answers more requests. --old adds an older build of the program. Memory is the server's (PSS), after each round.
"""
import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from common import ROOT, build, checkpoint, count, photographs, program, programs


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(command, port, picture):
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/v1/predict"
    for _ in range(600):
        try:
            urllib.request.urlopen(urllib.request.Request(url, data=picture, headers={"Content-Type": "image/jpeg"})).read()
            return server, url
        except OSError:
            if server.poll() is not None:
                sys.exit(f"{command} ended with {server.returncode}")
            time.sleep(0.1)
    sys.exit(f"{command} does not answer")


def memory(server):
    """Summed PSS of the server, in MB."""
    with open(f"/proc/{server.pid}/smaps_rollup") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Pss:")) / 1000


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--rounds", type=count, default=4)
    p.add_argument("--seconds", type=float, default=15)
    p.add_argument("--clients", type=count, default=32)
    p.add_argument("--threads", default="2")
    p.add_argument("--old", type=program)
    o = p.parse_args()
    val = os.path.join(o.data, "val")
    with tempfile.TemporaryDirectory() as tmp:
        best, pth = checkpoint(o.data, tmp)
        load = build("httpload", tmp)
        classes = sorted(os.listdir(val))
        folder = os.path.join(val, classes[0])
        with open(os.path.join(folder, sorted(os.listdir(folder))[0]), "rb") as f:
            picture = f.read()
        port = free_port()
        python = [sys.executable, os.path.join(ROOT, "bench", "serve_python.py"), pth, ",".join(classes), o.threads, str(port)]
        commands = {"Python": (python, port)}
        for name, path in programs(o.old).items():
            for name, fast in {name: [], name + " --fast": ["--fast"]}.items():
                port = free_port()
                go = [path, "serve", "-q", "--device", "cpu", "--threads", o.threads, "--checkpoint", best, "--addr", f"127.0.0.1:{port}"]
                commands[name] = go + fast, port
        servers = {}
        try:
            for name, (command, port) in commands.items():
                servers[name] = start(command, port, picture)
            rounds = []
            for i in range(o.rounds + 1):  # the first one warms up
                rounds.append({})
                for name, (server, url) in servers.items():
                    out = subprocess.run([load, "-url", url, "-clients", str(o.clients), "-seconds", str(o.seconds if i else 5), val], check=True, stdout=subprocess.PIPE)
                    rounds[-1][name] = {**json.loads(out.stdout), "memory": memory(server)}
            warm, rounds = rounds[0], rounds[1:]
            print(f"{o.clients} clients, {o.threads} threads, {o.rounds} rounds of {o.seconds:g} s; medians (minimum to maximum)")
            for name in servers:
                figures = [r[name] for r in rounds]
                median = lambda key: statistics.median(f[key] for f in figures)
                line = f"{name:13} {median('per_second'):6.1f} requests/s, p50 {1000 * median('p50'):5.0f} ms, p99 {1000 * median('p99'):5.0f} ms"
                line += f", {sum(f['errors'] for f in figures)} errors of {sum(f['requests'] for f in figures)}"
                line += f", memory {' '.join(f'{m:.0f}' for m in [warm[name]['memory']] + [f['memory'] for f in figures])} MB"
                if name != "Python":
                    ratios = [r[name]["per_second"] / r["Python"]["per_second"] for r in rounds]
                    line += f", ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                print(line, flush=True)
        finally:
            for server, _ in servers.values():
                server.terminate()


if __name__ == "__main__":
    main()
