// swift-tools-version: 6.2

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A module of the library, named in the order of the stack.
func module(_ name: String, dependsOn dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

/// The tests of one module. Fixtures are read from the source folder, so they are excluded here.
func tests(_ name: String, of dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], exclude: ["Fixtures"],
        swiftSettings: swiftSettings)
}

let package = Package(
    name: "swift-finetune",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Tensor", targets: ["Tensor"]),
        .library(name: "Autograd", targets: ["Autograd"]),
        .library(name: "Layers", targets: ["Layers"]),
        .library(name: "Checkpoint", targets: ["Checkpoint"]),
        .library(name: "FineTune", targets: ["FineTune"]),
        .library(name: "Pictures", targets: ["Pictures"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", "3.12.3"..<"5.0.0")
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
        .systemLibrary(
            name: "CLAPACKE", pkgConfig: "lapacke",
            providers: [.apt(["liblapacke-dev"]), .brew(["lapack"])]),
        .systemLibrary(
            name: "CPNG", pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
        .systemLibrary(
            name: "CJPEG", pkgConfig: "libjpeg",
            providers: [.apt(["libjpeg62-turbo-dev"]), .brew(["jpeg-turbo"])]),
        // SwiftPM compiles C without optimisation in debug builds, which would slow a user's
        // debug build of the kernels by more than ten times.
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "CPictures", dependencies: ["CPNG", "CJPEG"]),

        module("Tensor", dependsOn: ["CKernels", "COpenBLAS", "CLAPACKE"]),
        module("Autograd", dependsOn: ["Tensor"]),
        module("Layers", dependsOn: ["Tensor", "Autograd"]),
        module(
            "Checkpoint",
            dependsOn: ["Tensor", "Layers", .product(name: "Crypto", package: "swift-crypto")]),
        module("FineTune", dependsOn: ["Tensor", "Autograd", "Layers", "Checkpoint"]),
        module(
            "Pictures",
            dependsOn: ["CPictures", "Tensor", "Autograd", "Layers", "Checkpoint", "FineTune"]),

        .target(
            name: "TestSupport", dependencies: ["Tensor", "Autograd", "Layers", "Checkpoint"],
            path: "Tests/TestSupport", swiftSettings: swiftSettings),
        // A run of its own, for tests to kill.
        .executableTarget(
            name: "KillableRun", dependencies: ["Tensor", "Checkpoint", "FineTune"],
            path: "Tests/KillableRun", swiftSettings: swiftSettings),
        tests("TensorTests", of: ["Tensor"]),
        tests("AutogradTests", of: ["Tensor", "Autograd", "Checkpoint"]),
        tests("LayersTests", of: ["Tensor", "Autograd", "Layers", "Checkpoint"]),
        tests("CheckpointTests", of: ["Tensor", "Layers", "Checkpoint"]),
        tests(
            "FineTuneTests",
            of: ["Tensor", "Autograd", "Layers", "Checkpoint", "FineTune", "KillableRun"]),
        tests(
            "PicturesTests",
            of: ["Tensor", "Autograd", "Layers", "Checkpoint", "FineTune", "Pictures"]),
    ],
    cLanguageStandard: .gnu17
)
