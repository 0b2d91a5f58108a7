// swift-tools-version: 6.2

import PackageDescription

// A package of its own, as an app is. An app names the library by its URL instead of a path.
let package = Package(
    name: "ImageQuickstart",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "swift-finetune", path: "../../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .executableTarget(
            name: "ImageQuickstart",
            dependencies: [
                .product(name: "FineTune", package: "swift-finetune"),
                .product(name: "Pictures", package: "swift-finetune"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ])
    ]
)
