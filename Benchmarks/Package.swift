// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that what benchmarks need is no dependency of the library.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "swift-finetune", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .executableTarget(
            name: "TaskBenchmark",
            dependencies: [
                .product(name: "FineTune", package: "swift-finetune"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "StepBenchmark",
            dependencies: [
                .product(name: "FineTune", package: "swift-finetune"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ]
)
