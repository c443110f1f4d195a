extension SelfTest {
  /// SHA-256 of the parameters that `run` must end with, by recipe. They change only with the definition of a recipe or
  /// of Lockstep's arithmetic (docs/reproducibility.md), never with a machine; `lockstep selftest --digests` prints
  /// those of this one.
  static let expected = [
    "quick": "53d9847caedace1363aa3dc773fc7eaa2fb1973dd263ec20a0e5709a3d36caf8",
    "sprint": "1c0d370f2e54ecebadf07c6700eb7790db81be6fa13245c4e9b84c1f59d093eb",
    "medium": "a7a4fcfc08dd3eadb4be05be6a8a1605f5a941bb2c5d6d58f415cff1e88c15db",
    "medium-512": "d84837229c9175a4a7e104219bca4f12d40c4d0c1d2d8f88e24d1f5157a600b6",
    "medium-1024": "d84837229c9175a4a7e104219bca4f12d40c4d0c1d2d8f88e24d1f5157a600b6",
    "keras": "ff820772912de653f02ebca35ccd4de4f4b76a0c2d35a40cc39b1f1712050e30",
    "pytorch": "715ba68d0111993148b983772eacd0a6d83b3693f0f165fd6d0b6832997bbde4",
    "wide": "bd6c64e1835c55cb4d4083ed0272dfc48bb12f78e1b4f2f7ea59edfad1eb5bc8",
    "best": "c37db344ab611663f0b9cba95dee775ff507f891d51da48983f4ccf1b332b91b",
    "mlp": "e2da27ce0cbb51c682c44ce6cd034499904ee807e150df9f9f82d9d57f49f52f",
    "linear": "21e22056586a21fdb516470cfa4779b12a6469adc08cfaae2459789525d5e7a9",
  ]
}
