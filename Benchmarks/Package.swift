// swift-tools-version: 6.2

import PackageDescription

let fineTune = Target.Dependency.product(name: "FineTune", package: "swift-finetune")
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")

// A package of its own, so that what benchmarks need is no dependency of the library.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "swift-finetune", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        // No traits: its counts of allocations would need another allocator.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.30.0", traits: []),
    ],
    targets: [
        // What Benchmarks/run.sh runs.
        .executableTarget(
            name: "LibraryBenchmarks",
            dependencies: [fineTune, .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/LibraryBenchmarks"),

        // What Benchmarks/Peers/run.sh runs, in turn with PyTorch.
        .executableTarget(
            name: "StepBenchmark",
            dependencies: [fineTune, argumentParser, "ServedSteps", "ProductsFloor"]),
        .executableTarget(
            name: "ImageStepBenchmark", dependencies: [fineTune, argumentParser, "ServedSteps"]),
        .executableTarget(
            name: "TaskBenchmark", dependencies: [fineTune, argumentParser, "Serving"]),
        // What Benchmarks/Heads/run.sh runs.
        .executableTarget(name: "HeadBenchmark", dependencies: [fineTune, argumentParser]),
        // What Benchmarks/Plans/run.sh runs.
        .executableTarget(
            name: "PlanBenchmark", dependencies: [fineTune, argumentParser, "Figures"]),
        // What Benchmarks/Pictures/run.sh runs.
        .executableTarget(
            name: "PictureBenchmark",
            dependencies: [
                fineTune, .product(name: "Pictures", package: "swift-finetune"), argumentParser,
                "Figures",
            ]),
        .executableTarget(name: "FirstPrediction", dependencies: [fineTune]),
        .target(name: "Figures", dependencies: [fineTune]),
        .target(name: "ServedSteps", dependencies: [fineTune, argumentParser, "Serving"]),
        .target(name: "Serving"),
        .target(name: "ProductsFloor", dependencies: ["OpenBLAS"]),
        .systemLibrary(
            name: "OpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    ],
    cLanguageStandard: .gnu17
)
