import re

from spack_repo.builtin.build_systems.bundle import BundlePackage

from spack.package import *


class Swift(BundlePackage):
    """The Swift toolchain of swift.org, as it is installed outside of Spack: `spack external find swift`."""

    homepage = "https://www.swift.org/install"

    version("6.3.1")
    version("6.2")

    executables = [r"^swift$"]

    @classmethod
    def determine_version(cls, exe):
        found = re.search(r"Swift version (\S+)", Executable(exe)("--version", output=str, error=str))
        return found.group(1) if found else None
