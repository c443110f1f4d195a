"""The steps of docs/from-scratch.md in Keras: `python keras_steps.py --step 7`, with `--data FOLDER` for a folder with
MNIST's four files, plain or .gz, in place of Keras's download. Needs keras and tensorflow."""

import argparse
import gzip
import hashlib
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from keras.callbacks import SwapEMAWeights
from keras.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D, RandomTranslation, ReLU, Rescaling
from keras.losses import SparseCategoricalCrossentropy
from keras.optimizers import SGD, AdamW, Muon
from keras.optimizers.schedules import LearningRateSchedule

VALIDATION = 5000  # the last of the training images, as in Lockstep


def network(*layers):
    return keras.Sequential([Input((28, 28, 1)), Rescaling(1 / 255 / 0.3081, offset=-0.1307 / 0.3081), *layers])


def train(model, optimizer, batch=64, epochs=2, callbacks=()):
    model.compile(optimizer, SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(
        images[:-VALIDATION], labels[:-VALIDATION], batch, epochs, callbacks=list(callbacks), verbose=2,
        validation_data=(images[-VALIDATION:], labels[-VALIDATION:]))


def step_1():
    train(network(Flatten(), Dense(1), Dense(10)), SGD(0.01))


def step_2():
    model = network(Flatten(), Dense(10))
    train(model, SGD(0.01))
    print("probabilities:", ops.softmax(model(images[:1])).numpy())


def step_3():
    logits = tf.Variable([[2.0, 1.0, 0.1]])
    with tf.GradientTape() as tape:
        loss = SparseCategoricalCrossentropy(from_logits=True)(tf.constant([0]), logits)
    print("p", ops.softmax(logits).numpy(), "loss", loss.numpy(), "gradient", tape.gradient(loss, logits).numpy())
    train(network(Flatten(), Dense(10)), SGD(0.1), batch=55000, epochs=1)


def step_4():
    train(network(Flatten(), Dense(10)), SGD(0.1), batch=55000, epochs=20)


def step_5():
    for rate in (0.001, 0.01, 0.1, 1.0):
        train(network(Flatten(), Dense(10)), SGD(rate))


def step_6():
    train(network(Flatten(), Dense(128), Dense(10)), SGD(0.1))
    train(network(Flatten(), Dense(128, activation="relu"), Dense(10)), SGD(0.1))


def step_7():
    train(network(Conv2D(16, 5, strides=2, activation="relu"), Flatten(), Dense(10)), SGD(0.1))


def quick():
    return [
        Conv2D(16, 5, strides=2, activation="relu"), Conv2D(32, 3), MaxPooling2D(2), ReLU(),
        Conv2D(64, 3, activation="relu"), Flatten(), Dense(10)]


def step_8():
    train(network(*quick()), SGD(0.1))


def step_9():
    train(network(*quick()), SGD(0.03, momentum=0.9))
    train(network(*quick()), AdamW(0.003, beta_2=0.99, weight_decay=0.01))


class OneCycle(LearningRateSchedule):
    def __init__(self, rate, steps, warmup=0.2):
        self.rate, self.steps, self.warm = rate, steps, warmup * steps

    def __call__(self, step):
        t = ops.cast(step, "float32")
        rise, fall = (t + 1) / self.warm, (self.steps - t) / (self.steps - self.warm)
        return self.rate * ops.minimum(1.0, ops.minimum(rise, fall))


def step_10():
    averaged = AdamW(0.003, beta_2=0.99, weight_decay=0.01, use_ema=True, ema_momentum=0.99)
    train(network(*quick()), averaged, callbacks=[SwapEMAWeights()])
    train(network(*quick()), AdamW(OneCycle(0.003, steps=2 * 860), beta_2=0.99, weight_decay=0.01))


def shift():
    """By -1, 0 or 1 pixel: a number from -1.5 to 1.5, to the nearest; the background, pixel 0, is rescaled by then."""
    part = 1.5 / 28
    return RandomTranslation(part, part, fill_mode="constant", fill_value=-0.1307 / 0.3081, interpolation="nearest")


def step_11():
    train(network(shift(), *quick()), AdamW(OneCycle(0.003, steps=2 * 860), beta_2=0.99, weight_decay=0.01))


class ConvolutionMuon(Muon):
    """Keras's Muon takes matrices alone; this one takes the kernels of all convolutions but the first, each as a
    matrix [k·k·in, out], and leaves everything else to AdamW."""

    def _should_use_adamw(self, variable):
        return len(variable.shape) != 4 or variable.shape[2] == 1

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        return ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)


def step_12():
    model = network(shift(), *quick())
    train(model, ConvolutionMuon(
        OneCycle(0.02, steps=2 * 860), momentum=0.9, weight_decay=0.01, rms_rate=None,
        adam_lr_ratio=0.003 / 0.02, adam_beta_2=0.99, adam_weight_decay=0))
    return model


def step_13():
    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    for ranks in (1, 2):
        keras.utils.set_random_seed(0)
        with tf.distribute.MirroredStrategy([f"CPU:{rank}" for rank in range(ranks)]).scope():
            model = network(*quick())
            model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
        model.fit(images[:6400], labels[:6400], 64, shuffle=False, verbose=0)
        digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
        print(f"{ranks} ranks, {digest[:16]}")


def idx(folder, name, offset):
    """The bytes of an IDX file behind its header."""
    path = pathlib.Path(folder, name)
    content = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    return np.frombuffer(content, np.uint8, offset=offset)


def load(folder):
    if not folder:
        return keras.datasets.mnist.load_data()
    return [
        (idx(folder, f"{part}-images-idx3-ubyte", 16).reshape(-1, 28, 28), idx(folder, f"{part}-labels-idx1-ubyte", 8))
        for part in ("train", "t10k")]


STEPS = [
    step_1, step_2, step_3, step_4, step_5, step_6, step_7, step_8, step_9, step_10, step_11, step_12, step_13]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, required=True, choices=range(1, len(STEPS) + 1), metavar="1-13")
    parser.add_argument("--data", help="a folder with MNIST's four IDX files")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    (images, labels), (test_images, test_labels) = load(options.data)
    images, test_images = images[..., None], test_images[..., None]
    model = STEPS[options.step - 1]()
    if model is not None:
        print(f"test {100 * model.evaluate(test_images, test_labels, verbose=0)[1]:.2f} %")
