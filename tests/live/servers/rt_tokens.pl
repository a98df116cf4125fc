use lib '/usr/share/request-tracker5/lib';
use RT; RT->LoadConfig; RT->Init;
for my $name (@ARGV) {
  my $u = RT::User->new(RT->SystemUser); $u->Load($name); die "no user $name" unless $u->id;
  my $t = RT::AuthToken->new(RT->SystemUser);
  my ($id, $msg, $auth) = $t->Create(Owner => $u->id, Description => 'loopback test token');
  die $msg unless $id;
  print "$name\t$auth\n";
}
