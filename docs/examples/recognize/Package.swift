// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "recognize",
  dependencies: [
    // The path of a checkout of Lockstep.
    .package(name: "Lockstep", path: "../../..")
  ],
  targets: [
    .executableTarget(
      name: "recognize", dependencies: [.product(name: "LockstepModels", package: "Lockstep")]),
    .executableTarget(
      name: "read-photograph", dependencies: [.product(name: "LockstepPhotographs", package: "Lockstep")]),
  ]
)
