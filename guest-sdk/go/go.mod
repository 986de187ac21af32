module holdline/guest

go 1.25
