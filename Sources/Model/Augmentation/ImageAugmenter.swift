internal import Tensors

/// Writes distorted training images: each a function of the image and of (seed, epoch, sample), by one bilinear resample.
///
/// A pixel at p, seen from the image's middle, is what the image has at
///
///     S⁻¹·H⁻¹·R⁻¹·(p − t) + e(p),
///
/// so that the image is scaled by S = diag(s·(1 + a), s/(1 + a)), sheared by H = (1 k; 0 1), turned by R and moved by t,
/// and displaced by the elastic field e, whose values at a grid's points are normal and bicubic between them. What lies
/// outside the image is background. Sine, cosine and logarithm are Lockstep's own, and vectors do what single elements
/// would: the bits are the same on every processor.
///
/// It owns the memory that it works in, allocated by `init`; one augmenter serves one thread.
package final class ImageAugmenter {
  private let augmentation: Augmentation
  private let shift: Int
  private let seed: UInt64
  private let shape: Shape

  /// The image as a network's input within background: one row above and two below, one column on the left and two on the
  /// right, so that whatever coordinates are held to, all four neighbours are there. [height + 3, pitch].
  private let padded: FloatBuffer
  private let pitch: Int
  /// Floats of a row in the buffers below: `width` up to a whole vector.
  private let rowLength: Int
  /// Each column's distance from the middle. [rowLength].
  private let columns: FloatBuffer
  /// What a row of pixels takes from the padded image: `bias` + the offset of its upper left neighbour, and how far it is
  /// from that. Each [rowLength].
  private let offsets: FloatBuffer
  private let rights: FloatBuffer
  private let downs: FloatBuffer

  private let vertical: BicubicGrid
  /// The horizontal grid's weights, [points, rowLength].
  private let horizontal: FloatBuffer
  /// Displacements of the grid's points, across and then down, each [points, points].
  private let nodes: FloatBuffer
  /// The same for all columns: across and then down, each [points, rowLength].
  private let nodeRows: FloatBuffer
  /// A row's displacements, across and then down, each [rowLength].
  private let displacements: FloatBuffer

  /// 2²³: what is added to a float below it loses its fraction.
  private static let bias: Float = 0x1p23

  /// An augmenter of images of `shape`, which have one channel; `shift` is as in `InputPreparation`.
  package init(_ augmentation: Augmentation, shift: Int = 0, seed: UInt64, shape: Shape) {
    self.augmentation = augmentation
    self.shift = shift
    self.seed = seed
    self.shape = shape
    pitch = shape.width + 3
    rowLength = (shape.width + 7) / 8 * 8
    padded = FloatBuffer(count: (shape.height + 3) * pitch)
    columns = FloatBuffer(count: rowLength)
    offsets = FloatBuffer(count: rowLength)
    rights = FloatBuffer(count: rowLength)
    downs = FloatBuffer(count: rowLength)
    let points = augmentation.elasticGrid
    vertical = BicubicGrid(points: points, count: shape.height)
    horizontal = FloatBuffer(count: points * rowLength)
    nodes = FloatBuffer(count: 2 * points * points)
    nodeRows = FloatBuffer(count: 2 * points * rowLength)
    displacements = FloatBuffer(count: 2 * rowLength)
    padded.pointer.update(repeating: InputPreparation.offset, count: padded.count)
    for x in 0..<shape.width { columns.pointer[x] = Float(x) - Float(shape.width - 1) / 2 }
    let across = BicubicGrid(points: points, count: shape.width)
    for x in 0..<shape.width {
      for point in 0..<points {
        horizontal.pointer[point * rowLength + x] = across.weights[x * points + point]
      }
    }
  }

  /// Writes one training image, [height, width], distorted as (seed, epoch, sample) says.
  package func prepareForTraining(
    _ image: Span<UInt8>, sample: Int32, epoch: Int, into input: inout MutableSpan<Float>
  ) {
    precondition(image.count == shape.count && input.count == image.count, "\(image.count) pixels")
    let map = self.map(sample: sample, epoch: epoch)
    pad(image)
    if augmentation.elastic > 0 { drawDisplacements(sample: sample, epoch: epoch) }
    let target = input.start
    for y in 0..<shape.height {
      if augmentation.elastic > 0 { displace(row: y) }
      locate(row: y, map)
      resample(into: target + y * shape.width)
    }
  }

  /// Where a pixel's value comes from, in the padded image, by the pixel's distance from the middle.
  private struct Map {
    /// x ← xx·across + xy·down + x0, y ← yx·across + yy·down + y0.
    var xx, xy, x0: Float
    var yx, yy, y0: Float
  }

  /// The affine map of a sample in an epoch. Each setting has a number of its own, whatever the others are.
  private func map(sample: Int32, epoch: Int) -> Map {
    let generator = CounterGenerator(seed: seed, for: .augmentation, UInt64(epoch), UInt64(sample))
    func draw(_ index: UInt64, _ largest: Float) -> Double {
      (2 * generator.uniform(at: index) - 1) * Double(largest)
    }
    let (sine, cosine) = sineAndCosine(draw(0, augmentation.rotation) * (Double.pi / 180))
    let scale = 1 + draw(1, augmentation.scale)
    let aspect = 1 + draw(2, augmentation.aspect)
    let shear = draw(3, augmentation.shear)
    var (right, down) = (draw(4, augmentation.translation), draw(5, augmentation.translation))
    if shift > 0 {
      let shifts = InputPreparation.shift(upTo: shift, seed: seed, sample: sample, epoch: epoch)
      right += Double(shifts.right)
      down += Double(shifts.down)
    }
    let (width, height) = (scale * aspect, scale / aspect)
    let (xx, xy) = ((cosine + shear * sine) / width, (sine - shear * cosine) / width)
    let (yx, yy) = (-sine / height, cosine / height)
    // One more, since the padded image begins that far outside.
    let (middleX, middleY) = (Double(shape.width + 1) / 2, Double(shape.height + 1) / 2)
    return Map(
      xx: Float(xx), xy: Float(xy), x0: Float(middleX - xx * right - xy * down),
      yx: Float(yx), yy: Float(yy), y0: Float(middleY - yx * right - yy * down))
  }

  private func pad(_ image: Span<UInt8>) {
    let (scale, offset, width) = (InputPreparation.scale, InputPreparation.offset, shape.width)
    image.withUnsafeBufferPointer { pixels in
      guard let base = pixels.baseAddress else { return }
      for y in 0..<shape.height {
        let (source, target) = (base + y * width, padded.pointer + (y + 1) * pitch + 1)
        for x in 0..<width { target[x] = Float(source[x]) * scale + offset }
      }
    }
  }

  /// The displacements of the grid's points, and of all columns in the grid's rows.
  private func drawDisplacements(sample: Int32, epoch: Int) {
    let nodes = nodes
    var values = nodes.mutableSpan
    CounterGenerator(seed: seed, for: .elasticDistortion, UInt64(epoch), UInt64(sample))
      .fillNormal(&values, standardDeviation: augmentation.elastic)
    let points = vertical.points
    for row in 0..<2 * points {
      let (node, target) = (nodes.pointer + row * points, nodeRows.pointer + row * rowLength)
      for x in stride(from: 0, to: rowLength, by: 8) {
        var sum = Vector.zero
        for point in 0..<points { sum += horizontal.pointer.vector(at: point * rowLength + x) * node[point] }
        target.store(sum, at: x)
      }
    }
  }

  /// The displacements of a row of pixels.
  private func displace(row y: Int) {
    let (points, weights) = (vertical.points, vertical.weights)
    let support = vertical.support[y]
    for axis in 0..<2 {
      let source = nodeRows.pointer + axis * points * rowLength
      for x in stride(from: 0, to: rowLength, by: 8) {
        var sum = Vector.zero
        for point in support {
          sum += source.vector(at: point * rowLength + x) * weights[y * points + point]
        }
        displacements.pointer.store(sum, at: axis * rowLength + x)
      }
    }
  }

  /// Finds the neighbours of a row's places in the padded image.
  private func locate(row y: Int, _ map: Map) {
    let down = Float(y) - Float(shape.height - 1) / 2
    let (startX, startY) = (map.xy * down + map.x0, map.yy * down + map.y0)
    let (lastX, lastY) = (
      Vector(repeating: Float(shape.width + 1)), Vector(repeating: Float(shape.height + 1))
    )
    let isElastic = augmentation.elastic > 0
    for x in stride(from: 0, to: rowLength, by: 8) {
      let across = columns.pointer.vector(at: x)
      var (u, v) = (across * map.xx + startX, across * map.yx + startY)
      if isElastic {
        u += displacements.pointer.vector(at: x)
        v += displacements.pointer.vector(at: rowLength + x)
      }
      // Further out there is nothing but the background that is here already.
      u = u.clamped(lowerBound: .zero, upperBound: lastX)
      v = v.clamped(lowerBound: .zero, upperBound: lastY)
      let (left, top) = (Self.floor(u), Self.floor(v))
      rights.pointer.store(u - left, at: x)
      downs.pointer.store(v - top, at: x)
      offsets.pointer.store(top * Float(pitch) + left + Self.bias, at: x)
    }
  }

  /// ⌊x⌋ of numbers from 0 to below 2²², in vector instructions.
  @inline(__always)
  private static func floor(_ x: Vector) -> Vector {
    let nearest = (x + bias) - bias
    return nearest.replacing(with: nearest - 1, where: nearest .> x)
  }

  /// Writes a row of pixels from their neighbours.
  private func resample(into row: UnsafeMutablePointer<Float>) {
    let (image, pitch) = (padded.pointer, pitch)
    let (offsets, rights, downs) = (offsets.pointer, rights.pointer, downs.pointer)
    for x in 0..<shape.width {
      // Below 2²³ from 2²³ on, the fraction's bits are the whole number.
      let corner = image + Int(offsets[x].bitPattern & 0x7F_FFFF)
      let (right, down) = (rights[x], downs[x])
      let top = corner[0] + right * (corner[1] - corner[0])
      let bottom = corner[pitch] + right * (corner[pitch + 1] - corner[pitch])
      row[x] = top + down * (bottom - top)
    }
  }
}
