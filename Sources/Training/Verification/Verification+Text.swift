internal import Formatting
internal import Runs

extension Verification {
  /// What came of it, for people: what could not be checked, and what the rest is like.
  package var text: String {
    var lines = plan.omissions
    let what =
      "\(Numbers.grouped(taken)) of \(Numbers.grouped(total)) steps re-executed on \(ranks) "
      + (ranks == 1 ? "rank" : "ranks") + " in \(Numbers.duration(seconds))"
    if let difference {
      lines.append("\(what): not the same")
      lines.append(difference.text)
    } else {
      let states =
        switch checkpoints {
        case 0: ""
        case 1: ", and so is the state of a checkpoint"
        default: ", and so are the states of \(Numbers.grouped(checkpoints)) checkpoints"
        }
      lines.append("\(what): the same\(states)")
      if let drawn = plan.drawn {
        let chances = [0.01, 0.05, 0.1].map { share in
          let chance = VerificationPlan.chanceOfMissing(share: share, drawn: drawn, count: plan.checkable)
          return "\(Numbers.fixed(100 * share, 0)) %: \(Numbers.fixed(100 * chance, 1)) %"
        }
        lines.append(
          "\(Numbers.grouped(drawn)) of \(Numbers.grouped(plan.checkable)) steps were drawn; the chance that a run with so "
            + "many wrong steps would have passed: \(chances.joined(separator: ", "))")
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension Verification.Difference {
  /// In a sentence.
  package var text: String {
    switch self {
    case .step(let step, let recorded, let found):
      let part = recorded.gradient != found.gradient ? "gradient" : "update"
      return
        "step \(Numbers.grouped(step)) has another \(part): expected the digest \(recorded), found \(found)"
    case .loss(let step, let recorded, let found):
      return
        "step \(Numbers.grouped(step)) has another loss than metrics.jsonl says: expected \(recorded), found \(found)"
    case .checkpoint(let sentence): return sentence
    }
  }
}
