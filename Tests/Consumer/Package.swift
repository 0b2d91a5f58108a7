// swift-tools-version: 6.2

import PackageDescription

// `run.sh` names a git repository of the library, so that it is resolved by version, as an app
// does by URL; by hand the package builds beside the library.
let library: Package.Dependency =
    if let repository = Context.environment["SWIFT_FINETUNE_REPOSITORY"] {
        .package(url: repository, from: "0.0.1")
    } else {
        .package(name: "swift-finetune", path: "../..")
    }

let package = Package(
    name: "Consumer",
    platforms: [.macOS(.v15)],
    dependencies: [library],
    targets: [
        .executableTarget(
            name: "Consumer",
            dependencies: [.product(name: "FineTune", package: "swift-finetune")])
    ]
)
