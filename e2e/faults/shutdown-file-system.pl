# Ends a mounted file system as a power cut would: what is not on the device yet never gets there, not even the journal.
# Says "ready", waits for a line on its input so that the moment is exact, acts, says "done".
# perl shutdown-file-system.pl MOUNT_POINT
use strict;
use warnings;

# _IOR('X', 125, __u32): EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same number.
use constant GOING_DOWN => 0x8004587d;
use constant NO_LOG_FLUSH => 2;

my ($mount_point) = @ARGV;
open(my $folder, '<', $mount_point) or die "$mount_point: $!\n";
my $flags = pack('L', NO_LOG_FLUSH);
$| = 1;
print "ready\n";
defined(my $line = <STDIN>) or exit 1;
ioctl($folder, GOING_DOWN, $flags) or die "GOINGDOWN $mount_point: $!\n";
print "done\n";
