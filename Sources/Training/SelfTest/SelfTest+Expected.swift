extension SelfTest {
  /// SHA-256 of the parameters that `run` must end with, by recipe. They change only with the definition of a recipe or
  /// of Lockstep's arithmetic (docs/reproducibility.md), never with a machine; `lockstep selftest --digests` prints
  /// those of this one.
  static let expected = [
    "quick": "d2457c51631da739e0ae34b0dd19cc9c60dd38163e0ab7eb7e5ffe45ac23d2a1",
    "sprint": "4fc0a159f1f1739d54e88b3a596a0566b7c26bfdc33dbc2ae0788b740c6ea564",
    "medium": "2bfab704860da06786c1ff15b62c85993a83bcc79905e77c2f53e3434bd7211a",
    "medium-512": "1af30d751c2b05471405b8108abe4e3ea15acdadda659297167d3494e2b2a2a5",
    "medium-1024": "1af30d751c2b05471405b8108abe4e3ea15acdadda659297167d3494e2b2a2a5",
    "keras": "ee59c1bef716057d72e8d23b2f95938a83e1d4c969682715e1df1d95d1312058",
    "pytorch": "aa1e36287f465635ed385f46c90d8066e4f39b1d718d1963542c459059d9b8c8",
    "wide": "4d0a6ed60ffd7847163ee36a9c7f50f83457c2684c42a98f2b0a2c84b6e34f57",
    "best": "c2a6b8d53b61ae188d0b80bfa64f270415e2d4ce0053b9a7f9c8b7fedaf1d93a",
    "mlp": "e2da27ce0cbb51c682c44ce6cd034499904ee807e150df9f9f82d9d57f49f52f",
    "linear": "21e22056586a21fdb516470cfa4779b12a6469adc08cfaae2459789525d5e7a9",
  ]
}
