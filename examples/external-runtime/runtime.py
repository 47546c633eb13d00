#!/usr/bin/env python3
"""The runtime of an external run: trains a model, reports heartbeats, and obeys pause, resume, tune and terminate."""

import argparse
import json
import os
import queue
import threading
import time
from pathlib import Path

from api import Api, Refused
from model import Model

HERE = Path(__file__).parent


class Runtime:
    def __init__(self, api, run, heartbeat_seconds, pace):
        self.api, self.run_id, self.params = api, run["id"], run["params"]
        self.heartbeat_seconds, self.pace = heartbeat_seconds, pace
        self.model = Model(self.params["seed"])
        self.step, self.loss, self.checkpoint_version = 0, None, 0
        self.status = "running"
        self.commands = queue.Queue()
        self.over = threading.Event()
        self.beat_at, self.beat_step, self.beat_due = 0.0, 0, 0.0

    def run(self):
        threading.Thread(target=self.listen, daemon=True).start()
        try:
            while not self.over.is_set() and self.step < self.params["steps"]:
                self.heartbeat()
                self.obey()
                if self.status == "running":
                    self.loss = self.model.train(self.params["batch_size"], self.params["learning_rate"])
                    self.step += 1
                time.sleep(self.pace if self.status == "running" else 0.05)
            if not self.over.is_set():
                self.complete()
        except Refused as refused:
            # Somebody has ended the run: there is nobody to work for.
            if refused.code != "run_final":
                raise

    def listen(self):
        """Waits for commands beside the work. Until one is answered the next is not handed out."""
        while not self.over.is_set():
            try:
                command = self.api.call("GET", f"/runs/{self.run_id}/commands/next?wait=20")
                if command:
                    self.commands.put(command)
            except Refused as refused:
                if not self.over.is_set():
                    self.say(f"no more commands: {refused}")
                self.over.set()

    def heartbeat(self):
        now = time.monotonic()
        if now < self.beat_due:
            return
        rate = (self.step - self.beat_step) * self.params["batch_size"] / max(1e-9, now - self.beat_at)
        body = {
            "run_id": self.run_id,
            "status": self.status,
            "step": self.step,
            "samples_per_sec": round(rate if self.beat_at else 0.0, 1),
            "loss": self.loss,
            "checkpoint_version": self.checkpoint_version,
            "metrics": {"accuracy": self.model.accuracy(), "learning_rate": self.params["learning_rate"]},
        }
        try:
            self.api.call("POST", f"/runs/{self.run_id}/heartbeat", body)
        except Refused as refused:
            if refused.status != 429:
                raise
            self.beat_due = now + refused.retry_after
        else:
            self.beat_at, self.beat_step, self.beat_due = now, self.step, now + self.heartbeat_seconds
            self.say(f"{self.status}: step {self.step}, loss {self.loss or 0:.3f}, accuracy {body['metrics']['accuracy']:.3f}")

    def obey(self):
        while not self.commands.empty():
            command = self.commands.get()
            applied = self.apply(command)
            self.say(f"{command['type']} {json.dumps(applied)}")
            answer = {"status": "acknowledged", "applied": applied, "lease_token": command["lease_token"]}
            self.api.call("POST", f"/runs/{self.run_id}/commands/{command['id']}/ack", answer)

    def apply(self, command):
        """Does what a command says; answers what was done. A command that comes again is done again, to the same effect."""
        kind, payload = command["type"], command["payload"]
        if kind == "tune":
            self.params.update(payload["params"])
            return payload["params"]
        if kind in ("terminate", "cancel"):
            self.over.set()
            return self.save() if payload.get("final_checkpoint") else {"step": self.step}
        self.status = {"pause": "paused", "resume": "running"}.get(kind, self.status)
        self.beat_due = 0.0
        return {"step": self.step}

    def save(self):
        cas_id = self.api.keep(self.model.checkpoint(self.step))
        self.checkpoint_version += 1
        return {"checkpoint": cas_id, "checkpoint_version": self.checkpoint_version, "step": self.step}

    def complete(self):
        output = {**self.save(), "loss": self.loss, "accuracy": self.model.accuracy()}
        self.over.set()
        self.api.call("POST", f"/runs/{self.run_id}/complete", {"state": "completed", "output": output})
        self.say(f"completed {json.dumps(output)}")

    def say(self, text):
        print(text, flush=True)


def start(api, overrides):
    """Publishes the experiment (the same twice is once) and starts a run of it."""
    experiment = json.loads((HERE / "experiment.json").read_text())
    name = experiment["name"]
    api.call("POST", "/workflows", {"tag_name": name, "workflow": experiment})
    body = {"experiment_id": name, "version_id": "examples/external-runtime", "executor": "external"}
    return api.call("POST", "/runs", {**body, "overrides": overrides})


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--run", help="id of a run that waits for its runtime; otherwise one is started")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="override a parameter")
    options.add_argument("--heartbeat-seconds", type=float, default=5)
    options.add_argument("--pace", type=float, default=0.001, help="seconds of rest after each step")
    given = options.parse_args()
    dev = Path(os.environ.get("ORCHESTRATOR_DATA_DIR", ".orchestrator")) / "dev.json"
    found = json.loads(dev.read_text()) if dev.exists() else {}
    url = os.environ.get("ORCHESTRATOR_API_URL") or found["api_url"]
    api = Api(url, os.environ.get("ORCHESTRATOR_API_TOKEN") or found["token"])
    overrides = {name: json.loads(value) for name, value in (one.split("=", 1) for one in given.set)}
    run = api.call("GET", f"/runs/{given.run}") if given.run else start(api, overrides)
    print(f"run {run['id']}", flush=True)
    Runtime(api, run, given.heartbeat_seconds, given.pace).run()


if __name__ == "__main__":
    main()
