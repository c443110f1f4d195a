import os
import pathlib

from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class Lockstep(Package):
    """A distributed data-parallel trainer in Swift: the same model, bit for bit, at any number of MPI ranks."""

    # The recipe is part of the repository that it builds: a clone is its own source.
    git = f"file://{pathlib.Path(__file__).resolve().parents[6]}"

    license("MIT")

    version("0.1.0", tag="v0.1.0")
    version("main", branch="main")

    depends_on("c", type="build")
    depends_on("swift@6.2:", type="build")
    depends_on("pkgconfig", type="build")
    # What Foundation, linked statically, needs when it is linked.
    depends_on("libxml2", type="build")
    depends_on("openmpi@4:5")
    depends_on("openssl@3:")
    depends_on("curl")
    depends_on("zlib-api")
    depends_on("minizip")
    depends_on("libpng")
    depends_on("jpeg")
    depends_on("libwebp+libwebpdemux")
    depends_on("libexif")
    # Loaded at run time; headers when it is built.
    depends_on("hdf5")
    depends_on("libheif")
    depends_on("openblas", type="run")
    depends_on("librsvg", type="run")

    requires("target=x86_64_v3:", when="target=x86_64:", msg="Lockstep needs AVX2 and FMA")
    conflicts("platform=darwin", msg="Lockstep does not build on macOS yet: docs/install.md")

    def folders(self, names):
        """The folders with the libraries of these packages."""
        prefixes = [self.spec[name].prefix for name in names]
        return [folder for prefix in prefixes for folder in (prefix.lib, prefix.lib64) if os.path.isdir(folder)]

    def install(self, spec, prefix):
        linked = ["openssl", "curl", "zlib-api", "libpng", "jpeg", "libwebp", "libexif", "minizip"]
        headers = [*linked, "hdf5", "libheif"]
        flags = [word for name in headers for word in ("-Xcc", f"-I{spec[name].prefix.include}")]
        for folder in self.folders([*linked, "libxml2"]):
            flags += ["-Xlinker", f"-L{folder}", "-Xlinker", "-rpath", "-Xlinker", folder]
        swift = Executable(join_path(spec["swift"].prefix.bin, "swift"))
        swift("build", "-c", "release", "--product", "lockstep", "--static-swift-stdlib", *flags)
        mkdirp(prefix.bin, prefix.include)
        install(join_path(".build", "release", "lockstep"), prefix.bin)
        install(join_path("Sources", "CReductionPlugin", "lockstep_reduction.h"), prefix.include)
        install_tree("docs", prefix.share.doc.lockstep.docs)
        install_tree("hostfiles", prefix.share.doc.lockstep.hostfiles)

    def setup_run_environment(self, env):
        for folder in self.folders(["openblas", "hdf5", "libheif"]):
            env.prepend_path("LD_LIBRARY_PATH", folder)

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(join_path(self.prefix.bin, "lockstep"))("selftest")
