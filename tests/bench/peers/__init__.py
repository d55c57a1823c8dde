"""What Livethread is measured against: each a server process, none of them part of Livethread."""
