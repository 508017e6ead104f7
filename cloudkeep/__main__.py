"""``python -m cloudkeep``."""

from cloudkeep.cli.main import main

if __name__ == "__main__":
    main()
