// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that it builds without what the other benchmarks need.
let package = Package(
    name: "Plans",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "swift-finetune", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .executableTarget(
            name: "PlanBenchmark",
            dependencies: [
                .product(name: "FineTune", package: "swift-finetune"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ])
    ]
)
