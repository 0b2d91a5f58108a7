import FineTune
import Foundation
import Pictures
import TestSupport
import Testing

@Suite("Folders and tables of pictures")
struct ReadingTests {
    /// Puts copies of fixtures into a folder, under other names.
    private func fill(_ folder: String, with files: [(name: String, fixture: String)]) throws {
        for (name, fixture) in files {
            let url = URL(fileURLWithPath: "\(folder)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(contents(of: fixturePath(fixture))).write(to: url)
        }
    }

    static let files = [
        ("cats/b.png", "pillow/rgb8.png"), ("cats/a.jpg", "pillow/jpeg-444.jpg"),
        ("cats/young/c.png", "pillow/gray8.png"), ("dogs/a.png", "pillow/rgba8.png"),
        ("dogs/copy.png", "pillow/rgb8-interlaced.png"), ("dogs/cut.png", "bad/cut-in-pixels.png"),
        ("dogs/bomb.png", "bad/bomb.png"), ("dogs/empty.png", "bad/empty.png"),
        ("dogs/.hidden.png", "bad/text.png"), ("README.txt", "bad/text.png"),
    ]

    /// A background shows through transparent pixels; features that are kept must not be mixed up.
    @Test("A picture that is read in another way is another one, until its pixels are known")
    func readingCounts() throws {
        let black = PictureReading(background: .black)
        #expect(Picture("a.png", reading: black) != Picture("a.png"))
        #expect(Picture("a.png", reading: black) == Picture("a.png", reading: black))
        #expect(Picture(bytes: [1, 2], reading: black) != Picture(bytes: [1, 2]))
        let opaque = fixturePath("pillow/rgb8.png")
        #expect(try Picture(checking: opaque, reading: black) == Picture(checking: opaque))
        let clear = fixturePath("pillow/rgba8.png")
        #expect(try Picture(checking: clear, reading: black) != Picture(checking: clear))
    }

    #if os(Linux)
        @Test("A class whose name is not UTF-8 is not left out in silence")
        func refusesNamesInOtherEncodings() throws {
            try withFolder { folder in
                try fill(folder, with: Self.files)
                let name = Array(folder.utf8CString.dropLast()) + [47, 99, 97, 102, -23, 0]
                #expect(mkdir(name, 0o777) == 0)
                let error = #expect(throws: PictureFolderError.self) {
                    try LabeledPictures(folder: folder)
                }
                #expect(error?.description.contains("not UTF-8; rename it") == true)
            }
        }
    #endif

    @Test("A folder of classes: the good pictures, and why others were left out")
    func readsFolder() throws {
        try withFolder { folder in
            try fill(folder, with: Self.files)
            let pictures = try LabeledPictures(folder: folder)
            #expect(
                pictures.inputs.map(\.path) == [
                    "\(folder)/cats/a.jpg", "\(folder)/cats/b.png", "\(folder)/cats/young/c.png",
                    "\(folder)/dogs/a.png", "\(folder)/dogs/copy.png",
                ])
            #expect(pictures.targets == ["cats", "cats", "cats", "dogs", "dogs"])
            let names = ["bomb", "cut", "empty"]
            #expect(pictures.leftOut.map(\.place) == names.map { "\(folder)/dogs/\($0).png" })
            #expect(
                pictures.leftOut[2].reason
                    == "the picture '\(folder)/dogs/empty.png' is empty; it was perhaps never "
                    + "written to the end")
            let (train, test) = pictures.split(holdingOut: 0.4, seed: 1)
            #expect(train.leftOut == pictures.leftOut && test.leftOut == pictures.leftOut)
        }
    }

    /// `rgb8` and its interlaced twin are different files with the same pixels.
    @Test("Duplicates are known by their pixels, and those in two classes are conflicts")
    func removesDuplicates() throws {
        try withFolder { folder in
            try fill(folder, with: Self.files)
            let pictures = try LabeledPictures(folder: folder)
            #expect(pictures.conflicts == [4])
            let unique = pictures.deduplicated()
            #expect(unique.count == 4)
            #expect(unique.inputs.last?.path == "\(folder)/dogs/a.png")
            #expect(unique.leftOut.count == 3)
        }
    }

    @Test("Strict reading stops at the first picture that is no good")
    func stopsIfStrict() throws {
        try withFolder { folder in
            try fill(folder, with: Self.files)
            let error = #expect(throws: PictureError.self) {
                try LabeledPictures(folder: folder, classes: ["dogs"], isStrict: true)
            }
            #expect(error?.path?.hasPrefix("\(folder)/dogs/") == true)
            let cats = try LabeledPictures(folder: folder, classes: ["cats"], isStrict: true)
            #expect(cats.count == 3)
        }
    }

    @Test("A table names files from its own folder")
    func readsTable() throws {
        try withFolder { folder in
            try fill(folder, with: Self.files)
            let table = """
                file,kind
                cats/a.jpg,cat
                \(folder)/dogs/a.png,dog
                dogs/gone.png,dog
                """
            try Data(table.utf8).write(to: URL(fileURLWithPath: "\(folder)/table.csv"))
            let pictures = try LabeledPictures(
                csv: "\(folder)/table.csv", picture: "file", label: "kind")
            #expect(pictures.targets == ["cat", "dog"])
            #expect(
                pictures.leftOut.map(\.reason) == [
                    "cannot open '\(folder)/dogs/gone.png': No such file or directory"
                ])
        }
    }

    @Test("Nothing to learn from is an error")
    func refusesEmptiness() throws {
        try withFolder { folder in
            #expect(throws: PictureFolderError.noPictures(folder, leftOut: [])) {
                try LabeledPictures(folder: folder)
            }
            try fill(folder, with: [("a/b.png", "bad/empty.png")])
            let error = #expect(throws: PictureFolderError.self) {
                try LabeledPictures(folder: folder)
            }
            #expect(error?.description.contains("1 input was left out:") == true)
            let missing = #expect(throws: PictureFolderError.self) {
                try LabeledPictures(folder: "\(folder)/none")
            }
            #expect(
                missing?.description
                    == "cannot read the folder '\(folder)/none': No such file or directory")
        }
    }

    @Test("A link to a folder above does not lead in a circle")
    func ignoresCircles() throws {
        try withFolder { folder in
            try fill(folder, with: [("a/x.png", "pillow/rgb8.png")])
            #expect(symlink(folder, "\(folder)/a/up") == 0)
            let pictures = try LabeledPictures(folder: folder)
            #expect(pictures.count == 1)
            // The link is no folder that is followed, and as a file it is none.
            #expect(pictures.leftOut.map(\.place) == ["\(folder)/a/up"])
        }
    }
}
