"""Logistic regression by mini-batch gradient descent, on points that are made here."""

import json
import math
import random

FEATURES = 8
SAMPLES = 2000


class Model:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.weights = [0.0] * (FEATURES + 1)
        self.samples = self.make_samples()

    def make_samples(self):
        """Points on both sides of a line that nobody knows, one in twenty on the wrong one."""
        truth = [self.random.gauss(0, 1) for _ in range(FEATURES + 1)]
        samples = []
        for _ in range(SAMPLES):
            point = [1.0] + [self.random.gauss(0, 1) for _ in range(FEATURES)]
            side = sum(t * p for t, p in zip(truth, point)) > 0
            samples.append((point, float(side != (self.random.random() < 0.05))))
        return samples

    def predict(self, point):
        z = sum(w * p for w, p in zip(self.weights, point))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))

    def train(self, batch_size, learning_rate):
        """One step; answers the loss of its batch, before it learned from it."""
        gradient = [0.0] * len(self.weights)
        loss = 0.0
        for point, label in self.random.choices(self.samples, k=batch_size):
            guess = self.predict(point)
            loss -= math.log(max(1e-12, guess if label else 1 - guess))
            for i, value in enumerate(point):
                gradient[i] += (guess - label) * value
        self.weights = [w - learning_rate * g / batch_size for w, g in zip(self.weights, gradient)]
        return loss / batch_size

    def accuracy(self):
        right = sum((self.predict(point) > 0.5) == bool(label) for point, label in self.samples)
        return right / len(self.samples)

    def checkpoint(self, step):
        return json.dumps({"step": step, "weights": self.weights}).encode()
