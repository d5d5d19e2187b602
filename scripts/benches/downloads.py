"""`bench.py downloads`: the fault table and the speed ratios. Owns only the arguments."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command's options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--faults", action="store_true", help="every downloader through every fault")
    what.add_argument("--speed", action="store_true", help="CPU, wall time and memory as ratios")
    parser.add_argument("--only", metavar="TEXT", help="only the cases whose name contains TEXT")
    parser.add_argument("--write", action="store_true", help="write docs/downloads.md")
    parser.add_argument("--size-mib", type=int, default=1024, help="file for --speed")


def main(options: argparse.Namespace) -> int:
    """Run what was asked for; 1 if a target is missed."""
    if options.faults:
        from scripts.benches import downloads_faults

        return downloads_faults.run(options.only, options.write)
    from scripts.benches import downloads_speed

    return downloads_speed.run(options.size_mib)
