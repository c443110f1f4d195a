"""The benchmark's networks in TensorFlow, one tf.function per step, one thread per process; several ranks by
MultiWorkerMirroredStrategy."""

import json
import os

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # without what it tells of the processor and of GPUs

import peer  # noqa: E402
from networks import layers  # noqa: E402

RANK, RANKS = peer.world()
if RANKS > 1:
    os.environ["TF_CONFIG"] = json.dumps(
        {"cluster": {"worker": peer.addresses()}, "task": {"type": "worker", "index": RANK}})

import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


class Trainer:
    """A network with AdamW; its variables are those of the strategy in whose scope it is made."""

    def __init__(self, options):
        self.layers = layers(options.network)
        self.local = options.batch // RANKS
        images, labels = peer.samples(options.data)
        self.images, self.labels = tf.constant(images), tf.constant(labels.astype("int32"))
        self.parameters = []
        for layer in self.layers:
            if layer.weights:
                weights = tf.keras.initializers.HeNormal(seed=0)(layer.weights)
                self.parameters += [tf.Variable(weights), tf.Variable(tf.zeros(layer.weights[-1:]))]
        self.means, self.squares = (
            [tf.Variable(tf.zeros_like(parameter)) for parameter in self.parameters] for _ in range(2))
        self.powers = [tf.Variable(1.0), tf.Variable(1.0)]

    def logits(self, x):
        """The network's outputs [n, 10] on images [n, 28, 28, 1], as in training: with dropout."""
        parameters = iter(self.parameters)
        for layer in self.layers:
            match layer.kind:
                case "conv":
                    x = tf.nn.conv2d(x, next(parameters), layer.stride, "SAME" if layer.padding else "VALID")
                    x = tf.nn.bias_add(x, next(parameters))
                case "maxpool":
                    x = tf.nn.max_pool2d(x, layer.size, layer.stride, "VALID")
                case "relu":
                    x = tf.nn.relu(x)
                case "dropout":
                    x = tf.nn.dropout(x, layer.probability)
                case "average":
                    x = tf.reduce_mean(x, [1, 2])
                case "dense":
                    x = tf.matmul(tf.reshape(x, [-1, layer.weights[0]]), next(parameters))
                    x = tf.nn.bias_add(x, next(parameters))
        return x

    def step(self, rows):
        """One step on these rows of the samples; of several ranks each has rows of its own."""
        images, labels = tf.gather(self.images, rows), tf.gather(self.labels, rows)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.logits(images))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.parameters)
        if RANKS > 1:
            gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        # AdamW without weight decay is Adam, for which TensorFlow has a kernel.
        powers = [power.read_value() * beta for power, beta in zip(self.powers, (peer.BETA1, peer.BETA2))]
        for power, value in zip(self.powers, powers):
            tf.raw_ops.AssignVariableOp(resource=power.handle, value=value)
        for parameter, mean, square, gradient in zip(self.parameters, self.means, self.squares, gradients):
            tf.raw_ops.ResourceApplyAdam(
                var=parameter.handle, m=mean.handle, v=square.handle, beta1_power=powers[0], beta2_power=powers[1],
                lr=peer.LEARNING_RATE, beta1=peer.BETA1, beta2=peer.BETA2, epsilon=peer.EPSILON, grad=gradient)


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--xla", action="store_true", help="with jit_compile")
    options = parser.parse_args()
    if RANKS == 1:
        trainer = Trainer(options)
        peer.report(options, compiled(trainer, trainer.step, options.xla))
        return
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        trainer = Trainer(options)

    @tf.function(autograph=False)
    def of_all(steps):
        def in_replica():
            own = tf.constant(steps if RANK == 0 else 0)
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)
        return strategy.run(in_replica)

    peer.report(
        options, compiled(trainer, lambda rows: strategy.run(trainer.step, [rows]), options.xla),
        agree=lambda steps: int(of_all(steps)))


def compiled(trainer, step, xla):
    """The step as a graph, which is made once, for batches of that size."""
    rows = tf.TensorSpec([trainer.local], tf.int32)
    return tf.function(step, input_signature=[rows], autograph=False, jit_compile=xla or None)


if __name__ == "__main__":
    main()
