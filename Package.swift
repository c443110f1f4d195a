// swift-tools-version: 6.2
import PackageDescription

// The instruction set that Swift and C code are compiled for. `x86-64-v3` (AVX2 and FMA: Intel since 2013,
// AMD since 2015) is the default, so that one binary runs on every node of a cluster; scripts pass another
// one on, e.g. LOCKSTEP_MARCH=native. The same name also sets the vector width of plain Swift loops.
#if arch(x86_64)
  let march = Context.environment["LOCKSTEP_MARCH"] ?? "x86-64-v3"
  let machine: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=\(march)"])]
#else
  let machine: [SwiftSetting] = []
#endif

// What `lockstep --version` says of the commit: scripts/common.sh sets it, since a manifest is cached and would not notice the
// next commit by itself. Without it an archive knows its own, and other builds say their build id.
let commit: [CSetting] =
  Context.environment["LOCKSTEP_COMMIT"].map { [.define("LOCKSTEP_COMMIT", to: "\"\($0)\"")] } ?? []

// Set by scripts/fuzz alone: adds the target `fuzz`, and has our modules tell libFuzzer which branches they take.
let isFuzzing = Context.environment["LOCKSTEP_FUZZ"] != nil

let settings: [SwiftSetting] =
  machine + [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : [])

let package = Package(
  name: "Lockstep",
  products: [
    .executable(name: "lockstep", targets: ["lockstep"]),
    .library(name: "LockstepModels", targets: ["LockstepModels"]),
    .library(name: "LockstepPhotographs", targets: ["LockstepPhotographs"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
  ],
  targets: [
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CMinizip", pkgConfig: "minizip", providers: [.apt(["libminizip-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),

    .target(name: "CConvolutions"),
    .target(name: "CProducts"),
    .target(name: "CWinograd"),
    .target(name: "CProcesses"),
    .target(name: "CProcessor"),
    .target(name: "CVectors"),
    .target(name: "CVersion", cSettings: commit),
    .target(name: "CReductionPlugin", dependencies: ["CMPI"]),
    .target(
      name: "CPictures",
      linkerSettings: ["jpeg", "png16", "webp", "webpdemux", "exif"].map { .linkedLibrary($0) }
    ),

    .target(name: "CHDF5"),
    .target(
      name: "CReaderModel", exclude: ["reader.safetensors"], cSettings: [.headerSearchPath(".")]),

    .target(name: "Formatting", swiftSettings: settings),
    .target(
      name: "Files", dependencies: [.product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .target(name: "Digests", dependencies: ["COpenSSL"], swiftSettings: settings),
    .target(
      name: "Tensors", dependencies: ["Files", "CProducts", "CVectors"],
      // For types of ours that lend spans.
      swiftSettings: settings + [.enableExperimentalFeature("Lifetimes")]),
    .target(
      name: "Collectives",
      dependencies: ["Files", "Tensors", "CMPI", "CProcesses", "CProcessor", "CReductionPlugin", "CVectors"],
      swiftSettings: settings),
    .target(
      name: "Reports",
      dependencies: ["CPNG", "Formatting", .product(name: "Mustache", package: "swift-mustache")],
      swiftSettings: settings),
    .target(name: "Analysis", swiftSettings: settings),
    .target(
      name: "TensorBoard", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["event.proto"], swiftSettings: settings),
    .target(
      name: "Jobs", dependencies: ["Files", "Digests", "CProcesses", "CVersion"], swiftSettings: settings),
    .target(
      name: "Scaling", dependencies: ["Files", "Tensors", "Model", "Collectives", "Reports", "Runs", "Jobs"],
      swiftSettings: settings),
    .target(
      name: "Datasets",
      dependencies: [
        "CCurl", "CZlib", "Files", "Digests", "Tensors",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    .target(
      name: "Model", dependencies: ["CConvolutions", "CWinograd", "Files", "Tensors"],
      swiftSettings: settings + [.enableExperimentalFeature("Lifetimes")]),
    .target(
      name: "Checkpoints",
      dependencies: ["Files", "Digests", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .target(
      name: "Runs", dependencies: ["Files", "Digests", "Tensors", "Model"], swiftSettings: settings),
    .target(
      name: "Inference",
      dependencies: ["Files", "Digests", "Tensors", "Model", "Checkpoints", "Runs", "Datasets"],
      swiftSettings: settings + [.enableExperimentalFeature("Lifetimes")]),
    .target(
      name: "Exchange",
      dependencies: [
        "CHDF5", "CMinizip", "Files", "Digests", "Tensors", "Model", "Checkpoints", "Runs", "Datasets",
        "Inference",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["ONNX/onnx.proto"], swiftSettings: settings),
    .target(
      name: "LockstepModels", dependencies: ["Digests", "Files", "Inference", "Model"],
      swiftSettings: settings),
    .target(
      name: "Training",
      dependencies: [
        "Files", "Runs", "Digests", "Tensors", "Collectives", "Jobs", "Formatting", "Datasets", "Model",
        "Checkpoints", "Inference",
      ],
      swiftSettings: settings + [.enableExperimentalFeature("Lifetimes")]),
    .target(
      name: "Tuning",
      dependencies: [
        "Files", "Digests", "Formatting", "Tensors", "Collectives", "Reports", "Analysis", "Model",
        "Datasets", "Runs",
        "Training",
      ],
      swiftSettings: settings),
    .target(
      name: "RunReports",
      dependencies: [
        "Files", "Formatting", "Runs", "Jobs", "Reports", "Analysis", "Datasets", "Checkpoints", "Model",
        "Tensors", "Training",
      ],
      swiftSettings: settings),
    .target(
      name: "Photographs",
      dependencies: [
        "CPictures", "CReaderModel", "Files", "Tensors", "Model", "Datasets", "Runs", "Inference",
      ],
      swiftSettings: settings),
    .target(
      name: "LockstepPhotographs", dependencies: ["Digests", "Files", "Inference", "Photographs"],
      swiftSettings: settings),
    .target(
      name: "Serving",
      dependencies: [
        "Files", "Formatting", "Jobs", "Photographs", "Runs",
        .product(name: "FlyingFox", package: "FlyingFox"),
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ],
      // The program is one file, wherever it is copied.
      resources: ["Page/page.html", "Page/page.css", "Page/page.js", "openapi.json"].map { .embedInCode($0) },
      swiftSettings: settings),
    .executableTarget(
      name: "lockstep",
      dependencies: [
        "CProcessor", "Photographs", "Serving", "Files", "Formatting", "Runs", "RunReports", "Digests",
        "Tensors", "Collectives",
        "Reports",
        "Analysis",
        "TensorBoard", "Jobs",
        "Scaling",
        "Datasets",
        "Model", "Checkpoints", "Training", "Tuning", "Inference", "Exchange",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      // Nothing can import an executable, so whether its imports are public is no question.
      swiftSettings: machine + [.enableUpcomingFeature("MemberImportVisibility")],
      // By its build id a rank knows at once whether others run the same program.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--build-id=sha1"], .when(platforms: [.linux]))]),

    .testTarget(
      name: "CollectivesTests", dependencies: ["Collectives", "Tensors", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "LockstepTests",
      dependencies: [
        "lockstep", "LockstepModels", "LockstepPhotographs", "Photographs", "Runs", "Datasets", "Digests",
        "Files", "Jobs", "Model", "Tensors",
      ],
      swiftSettings: settings),
    .testTarget(name: "JobsTests", dependencies: ["Jobs"], swiftSettings: settings),
    .testTarget(
      name: "RunsTests", dependencies: ["AllocationCounter", "Digests", "Runs", "Model", "Tensors"],
      swiftSettings: settings),
    .testTarget(
      name: "RunReportsTests", dependencies: ["RunReports", "Runs", "Reports", "Analysis", "Model"],
      swiftSettings: settings),
    .testTarget(
      name: "ScalingTests",
      dependencies: ["Scaling", "Collectives", "Jobs", "Model", "Reports", "Runs", "Tensors"],
      swiftSettings: settings),
    .testTarget(
      name: "TuningTests",
      dependencies: [
        "Tuning", "Collectives", "Datasets", "Model", "Runs", "Tensors", "Training", "TestSupport",
      ],
      swiftSettings: settings),
    .testTarget(name: "AnalysisTests", dependencies: ["Analysis"], swiftSettings: settings),
    .testTarget(name: "FormattingTests", dependencies: ["Formatting"], swiftSettings: settings),
    .testTarget(name: "ReportsTests", dependencies: ["Reports"], swiftSettings: settings),
    .target(
      name: "TestSupport", dependencies: ["Collectives"], path: "Tests/TestSupport", swiftSettings: settings),
    .testTarget(
      name: "FilesTests",
      dependencies: ["Files", "TestSupport", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .testTarget(name: "DigestsTests", dependencies: ["Digests"], swiftSettings: settings),
    .testTarget(
      name: "CheckpointsTests", dependencies: ["Checkpoints", "Digests", "Files", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "ExchangeTests",
      dependencies: [
        "Exchange", "Checkpoints", "Digests", "Files", "Inference", "Model", "Runs", "Tensors", "TestSupport",
      ],
      exclude: ["Fixtures"],
      swiftSettings: settings),
    .testTarget(
      name: "LockstepModelsTests",
      dependencies: [
        "LockstepModels", "Checkpoints", "Digests", "Inference", "Model", "Runs", "TestSupport",
      ],
      swiftSettings: settings),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "AllocationCounter", "Checkpoints", "Digests", "Training", "Runs", "Collectives", "Datasets", "Model",
        "Tensors", "TestSupport",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "PhotographsTests", dependencies: ["Photographs", "Datasets"], swiftSettings: settings),
    .testTarget(
      name: "LockstepPhotographsTests",
      dependencies: ["LockstepPhotographs", "Datasets", "Photographs", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "Serving", "Datasets", "Photographs",
        .product(name: "FlyingFox", package: "FlyingFox"),
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ],
      swiftSettings: settings),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors"], swiftSettings: settings),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Digests", "Files", "Tensors", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "ModelTests", dependencies: ["CConvolutions", "CWinograd", "Model", "Tensors"],
      exclude: ["Fixtures"],
      swiftSettings: settings),
  ]
)

if isFuzzing {
  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CFuzzer", "CZlib", "Analysis", "Checkpoints", "Datasets", "Digests", "Files", "Jobs", "Model",
        "Reports", "RunReports", "Runs", "Training", "Tuning",
      ],
      path: "Tests/Fuzz/Formats",
      swiftSettings: machine + [.enableUpcomingFeature("MemberImportVisibility")]),
  ]
}
