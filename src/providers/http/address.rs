//! What an IP address is for: one of the internet, a private one, or one that nobody is to be called at.
//!
//! After IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates). An IPv6
//! address that carries an IPv4 one (mapped, NAT64, 6to4) is what that one is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of the internet.
    Public,
    /// Of this machine or its network: called only where the configuration allows it.
    Private(&'static str),
    /// Never called. Link-local ones are among them, since clouds hand out credentials there.
    Never(&'static str),
}

/// What an address is for.
pub fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Never("unspecified"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private("private"),
        [100, 64..=127, ..] => Kind::Private("shared (CGNAT)"),
        [127, ..] => Kind::Private("loopback"),
        [169, 254, ..] => Kind::Never("link-local"),
        [192, 0, 0, _] | [192, 88, 99, _] => Kind::Never("reserved"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Never("documentation"),
        [198, 18..=19, ..] => Kind::Private("benchmarking"),
        [224..=239, ..] => Kind::Never("multicast"),
        [240..=255, ..] => Kind::Never("reserved"),
        _ => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        kind_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private("loopback"),
        // Mapped, and what was called compatible before.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => carried(high, low),
        // RFC 2765's translated form, no longer in use.
        [0, 0, 0, 0, 0xffff, 0, ..] => Kind::Never("reserved"),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(high, low),
        [0x64, 0xff9b, 1, ..] => Kind::Private("local NAT64"),
        [0x2002, high, low, ..] => carried(high, low),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Never("documentation"),
        // Teredo, benchmarking, ORCHID and the other assignments of 2001::/23.
        [0x2001, 0..=0x1ff, ..] => Kind::Never("reserved"),
        [0xfc00..=0xfdff, ..] => Kind::Private("unique local"),
        [0xfe80..=0xfebf, ..] => Kind::Never("link-local"),
        [0xfec0..=0xfeff, ..] => Kind::Private("site-local"),
        [0xff00..=0xffff, ..] => Kind::Never("multicast"),
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(address: &str) -> Kind {
        kind(address.parse().unwrap())
    }

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for address in ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"]
            .into_iter()
            .chain(["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"])
            .chain(["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"])
            .chain(["2001:200::1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"])
        {
            assert_eq!(kind_of(address), Kind::Public, "{address}");
        }
    }

    #[test]
    fn private_addresses_are_told_in_every_form() {
        for address in
            ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "100.64.0.0", "100.127.255.255"]
                .into_iter()
                .chain(["127.0.0.1", "127.255.255.255", "198.18.0.0", "198.19.255.255", "::1", "fc00::", "fdff::1", "fec0::1"])
                .chain([
                    "::ffff:127.0.0.1",
                    "::ffff:10.1.2.3",
                    "::ffff:c0a8:1",
                    "::127.0.0.1",
                    "64:ff9b::7f00:1",
                    "64:ff9b::10.0.0.1",
                ])
                .chain(["64:ff9b:1::1", "2002:7f00:1::1", "2002:c0a8:101::", "2002:a00:1::1"])
        {
            assert!(matches!(kind_of(address), Kind::Private(_)), "{address}: {:?}", kind_of(address));
        }
    }

    #[test]
    fn some_addresses_are_never_called() {
        for address in ["0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.0", "192.0.0.1", "192.0.2.1", "198.51.100.1"]
            .into_iter()
            .chain(["203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::"])
            .chain(["::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:db8::1"])
            .chain(["3fff::1", "3fff:fff::1", "fe80::1", "febf::1", "ff02::1", "2001::1", "2001:10::1", "100::1", "4000::1"])
            .chain(["::ffff:0:127.0.0.1", "fe00::1"])
        {
            assert!(matches!(kind_of(address), Kind::Never(_)), "{address}: {:?}", kind_of(address));
        }
    }
}
