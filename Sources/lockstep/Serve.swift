import ArgumentParser
import Jobs
import Photographs
import Runs
import Serving

/// `lockstep serve`.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read drawn and photographed digits in a browser, and for other programs over HTTP.",
    discussion: """
      The page at the address that is printed reads digits while you draw them, and photographs that you drop there. \
      Other programs send pictures to /v1/read and get JSON; docs/serving.md and /openapi.json tell how.

      Only this machine can connect, unless --host says otherwise. SIGTERM and Ctrl-C end it when what was begun is \
      answered.

      Examples:
        lockstep serve
        lockstep serve --port 0 --model runs/…/final.safetensors
        curl --data-binary @letter.jpg http://127.0.0.1:8080/v1/read
      """)

  @Option(
    help: ArgumentHelp(
      "A checkpoint to read with, instead of the model that comes with the program.", valueName: "file"))
  var model: String?

  @Option(help: "Where to listen; 0 takes any port that is free.") var port = 8080

  @Option(
    help: ArgumentHelp("This machine's address to listen at; 0.0.0.0 is all of them.", valueName: "address"))
  var host = "127.0.0.1"

  func validate() throws {
    try requireName(model, "--model")
    try requireName(host, "--host")
    try require("--port", port, in: 0...65535)
  }

  func run() throws {
    let name = model ?? ReaderModel.name
    let readers = try (0..<ProcessorSet().cores).map { _ in
      PhotographService.Readers(try NetworkRecognizer.opened(path: model))
    }
    let service = PhotographService(modelName: name, readers: readers)
    try PhotographServer(service, host: host, port: port).run { address in
      Console.write("serving \(name) at \(address) (Ctrl-C ends it)\n")
    }
  }
}
