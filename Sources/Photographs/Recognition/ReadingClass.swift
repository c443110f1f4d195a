/// What the reader's network tells of a piece of ink beside the ten digits.
package enum ReadingClass: Int, CaseIterable, Sendable {
  /// Letters, marks, scribbles, blots: nothing to do with digits.
  case other = 10
  /// A part of a digit: more ink belongs to it.
  case part = 11
  /// More than one digit: there is a cut to find.
  case several = 12

  /// The classes before these are the digits.
  package static let digitCount = 10
  /// Digits and these.
  package static let classCount = 13
}
