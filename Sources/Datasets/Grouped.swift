/// A count with thousands separated by commas, as in `60,000`.
func grouped(_ count: some BinaryInteger) -> String {
  var text = String(count)
  var end = text.endIndex
  while let comma = text.index(end, offsetBy: -3, limitedBy: text.startIndex), comma > text.startIndex,
    text[text.index(before: comma)].isNumber
  {
    text.insert(",", at: comma)
    end = comma
  }
  return text
}
