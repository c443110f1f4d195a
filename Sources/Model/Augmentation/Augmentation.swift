/// How training images are distorted: each sample anew in each epoch, by an affine map and an elastic distortion.
///
/// Every setting is the largest deviation to either side, evenly distributed, but `elastic`; 0 leaves that out.
package struct Augmentation: Hashable, Sendable, Codable {
  /// Degrees.
  package var rotation: Float = 0
  /// The size's relative change: 0.1 draws images between 0.9 and 1.1 times as large.
  package var scale: Float = 0
  /// The relative change of the width over the height: a makes images 1 + a times as wide and as low.
  package var aspect: Float = 0
  /// How far a row moves sideways for each row below the middle, in pixels.
  package var shear: Float = 0
  /// Pixels, across and down, whole ones or not.
  package var translation: Float = 0
  /// The standard deviation in pixels, across and down, of the normally distributed displacements of the elastic grid's
  /// points (Simard, Steinkraus, Platt 2003, "Best practices for convolutional neural networks", §2, whose field is
  /// smoothed by a Gaussian instead of a grid).
  package var elastic: Float = 0
  /// Points along each side of the elastic grid, which spans the image from corner to corner.
  package var elasticGrid = 6

  /// Leaves images as they are.
  package init() {}

  /// Whether images stay as they are.
  package var isIdentity: Bool {
    rotation == 0 && scale == 0 && aspect == 0 && shear == 0 && translation == 0 && elastic == 0
  }
}
