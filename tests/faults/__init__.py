"""What must survive: killed processes, broken disks, hostile clients."""
