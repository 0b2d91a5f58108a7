@testable import FineTune
import Testing

@Suite struct TaggedWordsTests {
    private func conll(
        _ text: String, word: Int = 0, tag: Int? = nil
    ) throws -> TaggedWords {
        let file = try TemporaryFile(text)
        return try TaggedWords(conll: file.path, word: word, tag: tag)
    }

    private func xml(_ text: String) throws -> TaggedWords {
        let file = try TemporaryFile(text)
        return try TaggedWords(parserator: file.path)
    }

    // MARK: CoNLL

    @Test func aBlankLineEndsAText() throws {
        let data = try conll(
            "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n"
                + "\r\n \nPeter\tNNP\tI-PER\n")
        #expect(data.inputs == [["EU", "rejects"], ["Peter"]])
        #expect(data.targets == [["B-ORG", "O"], ["I-PER"]])
        #expect(data.labels == ["B-ORG", "I-PER", "O"])
        let parts = try conll("1 the DET x\n2 cat NOUN y\n", word: 1, tag: 2)
        #expect(parts.inputs == [["the", "cat"]] && parts.targets == [["DET", "NOUN"]])
    }

    @Test func aMissingColumnIsAnError() throws {
        #expect(throws: DataError.self) { try conll("word\n") }
        let file = try TemporaryFile("a O\n\nb\n")
        do {
            _ = try TaggedWords(conll: file.path)
            Issue.record("a word without a tag was taken")
        } catch {
            #expect(error.line == 3 && error.problem == .missingColumn(.at(1), existing: ["0"]))
        }
        #expect(throws: DataError.self) { try conll("a O\n", tag: 7) }
        #expect(throws: DataError.self) { try conll("a O\n", word: -1) }
        #expect(throws: DataError.self) { try conll("\n\n") }
    }

    // MARK: XML

    @Test func elementsAreTaggedWords() throws {
        let data = try xml(
            """
            <?xml version="1.0"?>
            <!-- <not this> -->
            <AddressCollection>
              <AddressString id="1" note='a > b'><Number>8128</Number> <Street>DR  KING</Street>, \
            <City>Chicago</City></AddressString>
              <AddressString><City>A &amp; &lt;B&gt; &#163;&#xE9;</City> <Empty/></AddressString>
              <AddressString></AddressString>
              <AddressString><City><![CDATA[<x>]]></City></AddressString>
            </AddressCollection>

            """)
        #expect(
            data.inputs
                == [["8128", "DR", "KING,", "Chicago"], ["A", "&", "<B>", "£é"], ["<x>"]])
        #expect(
            data.targets
                == [
                    ["Number", "Street", "Street", "City"], ["City", "City", "City", "City"],
                    ["City"],
                ])
    }

    @Test(
        arguments: [
            ("<a><b><c>x</c></b>", "the element 'a' is never closed"),
            ("<a><b><c>x</b></c></a>", "'</b>' closes no element that is open"),
            ("<a><b>x</b></a>", "'x' stands in no word"),
            ("<a>x<b></b></a>", "'x' stands in no word"),
            ("<a><b><c>x</c> y</b></a>", "' y' stands in no word"),
            ("<a><b><c>x<d>y</d></c></b></a>", "'d' stands inside the word 'c'"),
            ("<a></a><b></b>", "there is a second root element 'b'"),
            ("<a></a>x", "there is text outside the root element"),
            ("", "there is no element"),
            ("<a><b><c>&nbsp;</c></b></a>", "'&nbsp;' is not known"),
            ("<a><b><c>&#xD800;</c></b></a>", "'&#xD800;' is not known"),
            ("<a><b><c>&#-5;</c></b></a>", "'&#-5;' is not known"),
            ("<a><b><c>&#99999999;</c></b></a>", "'&#99999999;' is not known"),
            ("<a><b><c>AT&T</c></b></a>", "an '&' begins no reference; write it as '&amp;'"),
            ("<a><b><c>1 < 2</c></b></a>", "a '<' is followed by no name; write it as '&lt;'"),
            ("<!DOCTYPE a><a></a>", "document types are not read; remove the '<!…>'"),
            ("<a b></a>", "an attribute of 'a' has no value"),
            ("<a b=c></a>", "the value of an attribute of 'a' is not in quotes"),
            ("<a b=\"c></a>", "a value is never closed"),
            ("<a", "the tag of 'a' has no '>'"),
            ("<a></a", "the closing tag of 'a' has no '>'"),
            ("<!-- <a></a>", "a comment is never closed"),
            ("<?xml <a></a>", "a processing instruction is never closed"),
            ("<a><![CDATA[x</a>", "a CDATA section is never closed"),
        ])
    func malformedXMLIsAnError(_ text: String, _ reason: String) throws {
        let file = try TemporaryFile(text)
        do {
            _ = try TaggedWords(parserator: file.path)
            Issue.record("'\(text)' was taken")
        } catch {
            #expect(error.problem == .malformedXML(reason), "\(text)")
            #expect(error.line == 1)
        }
    }

    @Test func deepNestingIsAnErrorAndNothingElse() throws {
        let deep = String(repeating: "<a>", count: 200_000)
        #expect(throws: DataError.self) { try xml(deep) }
        let file = try TemporaryFile("<a><b></b></a>")
        do {
            _ = try TaggedWords(parserator: file.path)
            Issue.record("a file without words was taken")
        } catch { #expect(error.problem == .noExamples) }
    }

    @Test func theLineIsThatOfTheMistake() throws {
        let file = try TemporaryFile("<a>\n  <b>\n <c>x</c>\n\n</c></a>")
        do {
            _ = try TaggedWords(parserator: file.path)
            Issue.record("it was taken")
        } catch { #expect(error.line == 5) }
    }

    /// Every file made by cutting, doubling or changing a byte is read or refused, without a trap.
    @Test func noDamageTraps() throws {
        let text = "<a x='1'><b><c>p &amp; q</c>, <d>&#65;</d></b><!-- n --><b><e/></b></a>\n"
        let bytes = Array(text.utf8)
        var generator = SplitMix64(seed: 1)
        for _ in 0..<600 {
            var damaged = bytes
            let place = generator.next(below: damaged.count)
            switch generator.next(below: 3) {
            case 0: damaged.removeSubrange(place...)
            case 1: damaged.insert(damaged[place], at: place)
            default: damaged[place] = UInt8(truncatingIfNeeded: generator.next() % 128)
            }
            let file = try TemporaryFile(damaged)
            _ = try? TaggedWords(parserator: file.path)
        }
    }
}
