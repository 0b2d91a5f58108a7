import Benchmark
import FineTune

/// What happens to a data set before training.
func data() {
    measure("data: read the TREC questions") {
        try Input.path("FINETUNE_BENCHMARK_QUESTIONS")
    } _: { _ in
        blackHole(try Input.questions())
    }
    measure("data: remove duplicates") {
        try Input.questions()
    } _: { questions in
        blackHole(questions.deduplicated())
    }
    measure("data: stratified split") {
        try Input.questions()
    } _: { questions in
        blackHole(questions.split(holdingOut: 0.2, stratified: true, seed: 0))
    }
    measure("data: batches of an epoch, 100,000 examples") {
        BatchOrder(sizes: (0..<100_000).map { 4 + $0 * 7919 % 60 }, limit: .examples(32), seed: 0)
    } _: { order in
        blackHole(order.batches(epoch: 1))
    }
}
