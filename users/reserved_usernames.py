"""Usernames that no person may choose, by the reason why they are kept.

All are in small letters and without separators where people write them with and without. Names of
an organisation's own are added by the setting RESERVED_USERNAMES.
"""

# RFC 2142 and what mail programs add: mail to these is expected to reach whoever runs the place.
MAILBOXES = """
abuse admin administrator alerts autoconfig autodiscover billing bounce bounces contact daemon
devnull domainadmin domains dmarc enquiries feedback ftp hello help helpdesk hostmaster
hostmasters info infos inquiries isatap listmaster listserv mail mailer mailerdaemon maildaemon
majordomo marketing news newsletter newsletters noc noreply noreplies notification notifications
postbox postmaster postmasters press privacy replies reply sales security securityalert spam ssl
ssladmin ssladministrator sslwebmaster subscribe subscriptions support sysadmin tls unsubscribe
unsubscriptions usenet uucp webmaster webmasters wpad www donotreply dontreply nobody nospam
"""

# Offices and functions that would trust.
ROLES = """
accounting accounts adm admins administration administrators audit auditor auditors
authority backoffice board ceo cfo chairman chief ciso cio coo compliance consultant council
cto customercare customerservice customersupport dataprotection developer developers devops
direction director directors dpo editor editors employee employees engineer engineering executive
executives facilities finance frontdesk fraud headquarters helpline hotline humanresources hr
inspector itdepartment itservice itsupport itsecurity keyholder legal manage management manager
managers member members moderator moderators mods office officer official officials ombudsman
operations operator operators ops organisation organization owner owners payroll people personnel
pressoffice president privacyofficer procurement publicrelations purchasing reception recruiting
recruitment registrar registry representative secretary securityteam service servicedesk services
staff superadmin superadministrator superuser superusers superviser supervisor supervisors
supportteam systemadmin systemadministrator team teams techsupport technical technician treasurer
trust trustandsafety vendor verification verified verify webadmin workers
"""

# Accounts of operating systems, databases and servers.
SYSTEM_ACCOUNTS = """
amanda ansible apache asterisk avahi backup backups bin bind bitnami cassandra centos clamav
consul couchdb cron cyrus daemons dbadmin dbus debian deploy deployment deployer dhcp dhcpd django
dns docker dovecot elastic elasticsearch etcd exim fedora firewall fwupd games gdm git gitea
gitlab gnats gopher grafana guest guests guestuser gunicorn halt haproxy httpd imap irc iis
jenkins kafka kernel kibana kubernetes ldap localadmin localhost localsystem logstash lp mailnull
man mariadb master memcached messagebus minio mongo mongodb monitor monitoring munin mysql nagios
named netadmin network networkservice nfsnobody nginx node nscd ntp ntpd oper oracle pcap pi plesk
polkitd pop pop3 postfix postgres postgresql prometheus proxy puppet qmail rabbitmq radius redis
replication replicator rollcall root rooter rpc rpcuser rsync samba sa saltstack sendmail server
servers shutdown sftp smb smtp snmp snort solr splunk squid ssh sshd sudo sudoers svn sync sys
sysop sysops syslog system systems systemd telnet terraform tomcat toor tty ubuntu unbound upstart
uwsgi vagrant varnish vault vmail vnc vpn webserver webservice windows winrm wwwdata wwwrun xfs
zabbix zookeeper
"""

# First parts of addresses of this site and of usual ones: a link that ends in the name of a person
# would be read as a page.
ROUTES = """
about access account activate activation activity add analytics android announcement announcements
api apis app apps archive archives article articles asset assets atom attachment attachments auth
authenticate authentication authorize authorise avatar avatars awards banner banners basket batch
beta billings blog blogs bookmark bookmarks browse bulk cache calendar callback campaign campaigns
cancel captcha careers cart catalog catalogue categories category cdn channel channels chart chat
checkout clear client clients close cms code codes comment comments community companies company
compare compose config configuration confirm confirmation connect console contactus content
contest cookie cookies copyright count create css customer customers dashboard data database db
deactivate debug default delete deleted demo demos design destroy dev diagnostics dialog directory
disable discuss discussion docs documentation documents domain domainname download downloads draft
drafts edit email emails enable endpoint enterprise erasure error errors event events example
examples exit explore export exports facebook faq faqs favicon favorites favourites feature
features feed feeds field fields file files filter filters find flag follow followers following
font fonts forgot forgotpassword form forms forum forums friend friends fulltext gallery github
global google graph graphql group groups health healthcheck healthz history home homepage host
hosting hosts htaccess htm html htpasswd http https humans humanstxt icon icons id identity image
images imap4 img import imports impressum imprint inbox index instagram install internal
invitation invitations invite invites invoice invoices ios issue issues item items javascript job
jobs join js json keys language languages legalnotice letter letters library license licence link
links linkedin list lists live load local locale location log logging login logins logo logoff
logon logos logout logs lost lostpassword manual map maps markets media mediakit message messages
messenger meta metrics microsoft mobile module modules more move music myaccount mysite name
names navigation new newpassword none note notes notice oauth oauth2 offers offline online openid
openidconfiguration options order orders overview page pager pages panel partner partners passkey
passkeys password passwords passwordreset path pay payment payments permission permissions
phone photo photos php phpmyadmin ping plan plans plugin plugins podcast policies policy popular
portal post posts preference preferences premium preview price prices pricing print private
privacypolicy process product products profile profiles project projects promo public publish
purchase put query queue quota random read readme readyz recent recover recovery redirect
redirects reduce refund refunds register registered registration release releases remove rename
report reports request requests reset resetpassword resource resources restore result results
resume return returns reveal review reviews robots robotstxt role roles rss rule rules sample save
schedule schema script scripts sdk search secure select self send session sessions setting
settings setup share shell shop shops show signed signin signins signout signup site sitemap
sitemapxml sites snapshot social source spec speed sse stage staging start stat state static
statistics stats status statuspage store stores stream style styles stylesheet stylesheets
subdomain submit suspension survey surveys tag tags task tasks template templates term terms
termsofservice test tester testing tests testuser theme themes thread threads thumbnail thumbnails
ticket tickets token tokens tool tools top topic topics tos tour trace track tracking trail
training transfer translate translations trash trending trial tutorial tutorials twitter undo
unfollow unsuspend update updates upgrade upload uploads url usage user username usernames users
userprofile util utility validation version versions video videos view views visitor visitors web
webapp webfinger webhook webhooks webmail website websites websocket welcome wellknown whatsapp
widget widgets wiki wordpress work workflow workspace wpadmin wpcontent wpincludes wplogin write
xml xmlrpc youtube yaml
"""

# Words that programs take for no value, for a number or for somebody who is not signed in, and
# words that mean whoever reads them.
NON_NAMES = """
all and anon anonym anonymous anonymoususer anybody anyone blank bot bots deletedaccount
deletedusers deleteduser empty erased erasedaccount everybody everyone everything false ghost god
here him her inactive inf infinity invalid it me missing mod my myself na nan nil no nobodyelse
not nothing null nulls off on or others removed robot self someone somebody something
suspended that them they this true undef undefined undisclosed unknown unnamed unregistered unset
us void we who whoami yes you yourself yourname yourusername
"""

RESERVED_USERNAMES = frozenset(
    f"{MAILBOXES} {ROLES} {SYSTEM_ACCOUNTS} {ROUTES} {NON_NAMES}".split()
)
