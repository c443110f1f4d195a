"""The benchmark's networks in JAX, one jitted function per step, one thread."""

import os

# XLA's threads, and those of the kernels that it calls; where the process runs is mpirun's business.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import functools  # noqa: E402

import jax  # noqa: E402
from jax import lax, numpy as jnp  # noqa: E402

import peer  # noqa: E402
from networks import layers  # noqa: E402


def initial_parameters(network, key):
    """Weights and biases of the layers that have such."""
    found = []
    for layer in network:
        if layer.weights:
            key, own = jax.random.split(key)
            scale = (layer.weights[-1] / jnp.prod(jnp.array(layer.weights))) ** 0.5
            found.append((scale * jax.random.normal(own, layer.weights), jnp.zeros(layer.weights[-1])))
    return found


def max_pooling(x, size, sides):
    """The largest value of each window; where several are the largest, they share the gradient.

    On CPUs much faster than lax.reduce_window, for whose gradient XLA selects and scatters.
    """
    height, width = sides
    for side in sides:
        x = lax.slice_in_dim(x, 0, x.shape[side] // size * size, axis=side)
    windows = [part for axis, count in enumerate(x.shape)
               for part in ((count // size, size) if axis in sides else (count,))]
    return x.reshape(windows).max((height + 1, width + 2))


def logits(network, layout, parameters, images, key):
    """The network's outputs [n, 10] on images in that layout, NHWC or NCHW, as in training: with dropout."""
    parameters = iter(parameters)
    channels, *sides = (layout.index(letter) for letter in "CHW")
    x = images
    for layer in network:
        match layer.kind:
            case "conv":
                weights, bias = next(parameters)
                x = lax.conv_general_dilated(
                    x, weights, (layer.stride,) * 2, [(layer.padding,) * 2] * 2,
                    dimension_numbers=(layout, "HWIO", layout))
                x += bias.reshape([-1 if axis == channels else 1 for axis in range(4)])
            case "maxpool":
                x = max_pooling(x, layer.size, sides)
            case "relu":
                x = jax.nn.relu(x)
            case "dropout":
                key, own = jax.random.split(key)
                keep = 1 - layer.probability
                x = jnp.where(jax.random.bernoulli(own, keep, x.shape), x / keep, 0)
            case "average":
                x = x.mean(sides)
            case "dense":
                weights, bias = next(parameters)
                x = x.reshape(len(x), -1) @ weights + bias
    return x


def adamw(parameters, gradients, moments, count):
    """Parameters and moments after a step of Adam (Kingma and Ba 2015): AdamW without weight decay; count from 1."""
    means, squares = moments
    means = jax.tree.map(lambda m, g: peer.BETA1 * m + (1 - peer.BETA1) * g, means, gradients)
    squares = jax.tree.map(lambda v, g: peer.BETA2 * v + (1 - peer.BETA2) * g * g, squares, gradients)
    rate, root = peer.LEARNING_RATE / (1 - peer.BETA1**count), (1 - peer.BETA2**count) ** 0.5
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + peer.EPSILON), parameters, means, squares)
    return parameters, (means, squares)


def main():
    parser = peer.parser(__doc__)
    parser.add_argument(
        "--channels-first", action="store_true", help="images as [n, channels, height, width], not channels last")
    options = parser.parse_args()
    layout = "NCHW" if options.channels_first else "NHWC"
    network = layers(options.network)
    images, labels = (jnp.asarray(values) for values in peer.samples(options.data))
    if options.channels_first:
        images = images.transpose(0, 3, 1, 2)

    def loss(parameters, images, labels, key):
        scores = jax.nn.log_softmax(logits(network, layout, parameters, images, key))
        return -jnp.take_along_axis(scores, labels[:, None], 1).mean()

    @functools.partial(jax.jit, donate_argnums=0)
    def train(state, images, labels, rows):
        parameters, moments, count, key = state
        key, own = jax.random.split(key)
        gradients = jax.grad(loss)(parameters, images[rows], labels[rows], own)
        count += 1
        return *adamw(parameters, gradients, moments, count), count, key

    key = jax.random.key(0)
    parameters = initial_parameters(network, key)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = parameters, (zeros, jax.tree.map(jnp.copy, zeros)), jnp.zeros(()), key

    def step(rows):
        nonlocal state
        state = train(state, images, labels, rows)

    peer.report(options, step, finish=lambda: jax.block_until_ready(state))


if __name__ == "__main__":
    main()
