extension SelfTest {
  /// SHA-256 of the parameters that `run` must end with, by recipe. They change only with the definition of a recipe or
  /// of Lockstep's arithmetic (docs/reproducibility.md), never with a machine; `lockstep selftest --digests` prints
  /// those of this one.
  static let expected = [
    "quick": "20d376567afcb18a46da5d08b2a3e2346339667cdf53f1b786a25915fe9a5162",
    "sprint": "d68b7a4b067223582d9c285d05039634361f7716b0ae0fa21d5336598815c30e",
    "medium": "a9145f9062dc23cf84841c97cb0852adc04f34340e7636c21da530dc542ccb4d",
    "medium-512": "d93e7db5e8c83e3a1f381d2e4b693db2cf044bc56efc2469ba0a6db9e7bc6032",
    "medium-1024": "d93e7db5e8c83e3a1f381d2e4b693db2cf044bc56efc2469ba0a6db9e7bc6032",
    "keras": "ff820772912de653f02ebca35ccd4de4f4b76a0c2d35a40cc39b1f1712050e30",
    "pytorch": "715ba68d0111993148b983772eacd0a6d83b3693f0f165fd6d0b6832997bbde4",
    "wide": "bd6c64e1835c55cb4d4083ed0272dfc48bb12f78e1b4f2f7ea59edfad1eb5bc8",
    "best": "c37db344ab611663f0b9cba95dee775ff507f891d51da48983f4ccf1b332b91b",
    "mlp": "e2da27ce0cbb51c682c44ce6cd034499904ee807e150df9f9f82d9d57f49f52f",
    "linear": "21e22056586a21fdb516470cfa4779b12a6469adc08cfaae2459789525d5e7a9",
  ]
}
