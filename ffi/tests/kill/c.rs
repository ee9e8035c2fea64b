//! The functions of `sabha.h`, loaded from the shared library: the one file here that trusts pointers.
//!
//! Types say what the header says in words. A handle is a reference to something opaque, which its function that ends in
//! `_free` takes away; a result goes to a `&mut`; a string is a [`Text`], which ends with a NUL. So whoever calls them
//! cannot pass a bad pointer. Where the header has a pointer with a count, the function is private, and a slice is passed.
#![allow(unsafe_code)] // dlopen, and the promise that the header tells the truth

use crate::common::LIBRARY;
use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;

/// `sabha_status`.
#[must_use]
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(i32);

/// Those that these tests tell apart.
impl Status {
    pub const OK: Self = Self(0);
    pub const OWNER_DIED: Self = Self(1);
    pub const NOT_EQUAL: Self = Self(2);
    pub const NO_SUCH_REGION: Self = Self(-5);
    pub const SHRINK: Self = Self(-14);
    pub const NO_SUCH_OBJECT: Self = Self(-15);
    pub const HELD: Self = Self(-27);
    pub const TIMED_OUT: Self = Self(-28);
    pub const EMPTY: Self = Self(-33);
    pub const CLOSED: Self = Self(-34);
    pub const ABANDONED: Self = Self(-35);

    /// Asserts that it is [`Self::OK`].
    #[track_caller]
    pub fn ok(self) {
        assert_eq!(self, Self::OK);
    }
}

pub const NEVER: u64 = u64::MAX;
pub const ALL: u32 = u32::MAX;
pub const U32: i32 = 6;
pub const U64: i32 = 8;
pub const ADAPTIVE: i32 = 0;
pub const BLOCK: i32 = 1;

/// `sabha_type`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Type([u64; 3]);

/// `sabha_region_options`.
#[repr(C)]
pub struct Options {
    struct_size: u32,
    mode: u32,
    pub size: u64,
    max_size: u64,
    seats: u32,
    trusted_count: u32,
    trusted_owners: Option<&'static u32>,
    member_name: Option<&'static c_char>,
}

impl Options {
    /// A small region that does not grow.
    pub const SMALL: Self = Self::new(0, 0);

    /// A small region; 0: the default.
    pub const fn new(max_size: u64, seats: u32) -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            mode: 0,
            size: 1 << 16,
            max_size,
            seats,
            trusted_count: 0,
            trusted_owners: None,
            member_name: None,
        }
    }
}

/// A string that ends with a NUL.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Text<'a>(*const c_char, PhantomData<&'a CStr>);

pub fn text(string: &CStr) -> Text<'_> {
    Text(string.as_ptr(), PhantomData)
}

/// Where a function puts a handle.
pub type Out<'a, T> = &'a mut Option<&'static mut T>;

/// Something behind a handle.
pub trait Opaque: Sized + 'static {
    fn free(handle: Option<&'static mut Self>) -> Status;
}

/// A handle, given back when it is dropped.
pub struct Handle<T: Opaque>(Option<&'static mut T>);

impl<T: Opaque> Handle<T> {
    /// The handle that `make` makes.
    pub fn try_new(make: impl FnOnce(Out<'_, T>) -> Status) -> Result<Self, Status> {
        let mut out = None;
        match make(&mut out) {
            Status::OK => Ok(Self(Some(out.expect("success has a handle")))),
            refused => {
                assert!(out.is_none(), "a failure touched its result");
                Err(refused)
            }
        }
    }

    /// The same, where it must succeed.
    #[track_caller]
    pub fn new(make: impl FnOnce(Out<'_, T>) -> Status) -> Self {
        Self::try_new(make).unwrap_or_else(|refused| panic!("{refused:?}: {}", last_error()))
    }
}

impl<T: Opaque> Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect("given back at drop only")
    }
}

impl<T: Opaque> DerefMut for Handle<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_deref_mut().expect("given back at drop only")
    }
}

impl<T: Opaque> Drop for Handle<T> {
    fn drop(&mut self) {
        T::free(self.0.take()).ok();
    }
}

macro_rules! opaque {
    ($($name:ident $free:ident)*) => {$(
        #[repr(C)]
        pub struct $name([u8; 0]);

        impl Opaque for $name {
            fn free(handle: Option<&'static mut Self>) -> Status {
                $free(handle)
            }
        }
    )*};
}

opaque! {
    Region sabha_region_free
    Array sabha_array_free
    Mutex sabha_mutex_free
    Ring sabha_ring_free
    Producer sabha_producer_free
    Consumer sabha_consumer_free
}

/// Two words that are equal if they are whole: what locks guard, and what goes through rings.
pub type Item = [u64; 2];
/// The same in shared memory.
pub type Pair = [AtomicU64; 2];

/// The address of a function of the library.
fn symbol(name: &str) -> *mut c_void {
    static OPEN: LazyLock<usize> = LazyLock::new(|| {
        let path = CString::new(LIBRARY.shared.to_str().expect("UTF-8")).expect("no NUL");
        // SAFETY: a string; the library has no constructors that could mind.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "cannot load {path:?}");
        library.expose_provenance()
    });
    let (library, word) = (std::ptr::with_exposed_provenance_mut(*OPEN), CString::new(name));
    // SAFETY: a handle of dlopen(), never closed, and a string.
    let address = unsafe { libc::dlsym(library, word.expect("no NUL").as_ptr()) };
    assert!(!address.is_null(), "the library has no {name}");
    address
}

/// A pointer to a function of the library.
///
/// # Safety
/// `F` is a function pointer, as the header declares `name`.
unsafe fn function<F: Copy>(name: &str) -> F {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    let address = symbol(name);
    // SAFETY: the caller's duty.
    unsafe { core::mem::transmute_copy(&address) }
}

macro_rules! functions {
    ($($public:vis fn $name:ident $(<$life:lifetime>)? (
        $($argument:ident: $type:ty),* $(,)?
    ) -> $result:ty;)*) => {
        struct Functions {
            $($name: $(for<$life>)? extern "C" fn($($type),*) -> $result,)*
        }

        static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions {
            // SAFETY: declared below as in the header.
            $($name: unsafe { function(stringify!($name)) },)*
        });

        $($public fn $name $(<$life>)? ($($argument: $type),*) -> $result {
            (FUNCTIONS.$name)($($argument),*)
        })*
    };
}

functions! {
    fn sabha_last_error(buffer: *mut c_char, size: usize) -> usize;
    pub fn sabha_type_of(code: i32) -> Type;
    pub fn sabha_type_array(element: Type, len: u64) -> Type;

    pub fn sabha_region_create(name: Text<'_>, options: Option<&Options>, region: Out<'_, Region>) -> Status;
    pub fn sabha_region_open(name: Text<'_>, options: Option<&Options>, region: Out<'_, Region>) -> Status;
    pub fn sabha_region_open_or_create(name: Text<'_>, options: Option<&Options>, region: Out<'_, Region>) -> Status;
    pub fn sabha_region_open_read_only(name: Text<'_>, options: Option<&Options>, region: Out<'_, Region>) -> Status;
    pub fn sabha_region_open_or_create_file(path: Text<'_>, options: Option<&Options>, region: Out<'_, Region>) -> Status;
    pub fn sabha_region_anonymous(options: Option<&Options>, region: Out<'_, Region>) -> Status;
    pub fn sabha_region_from_fd(fd: i32, options: Option<&Options>, region: Out<'_, Region>) -> Status;
    pub fn sabha_region_free(region: Option<&'static mut Region>) -> Status;
    pub fn sabha_region_unlink(region: &Region) -> Status;
    pub fn sabha_region_fd(region: &Region, fd: &mut i32) -> Status;
    pub fn sabha_region_len(region: &Region, len: &mut u64) -> Status;
    pub fn sabha_region_grow(region: &Region, len: u64) -> Status;
    pub fn sabha_region_enter(region: &Region) -> Status;
    pub fn sabha_region_remove(region: &Region, name: Text<'_>) -> Status;

    pub fn sabha_array_open(region: &Region, name: Text<'_>, code: i32, len: usize, array: Out<'_, Array>) -> Status;
    pub fn sabha_array_find(region: &Region, name: Text<'_>, code: i32, len: usize, array: Out<'_, Array>) -> Status;
    pub fn sabha_array_free(array: Option<&'static mut Array>) -> Status;

    pub fn sabha_mutex_open(region: &Region, name: Text<'_>, kind: Type, policy: i32, mutex: Out<'_, Mutex>) -> Status;
    pub fn sabha_mutex_free(mutex: Option<&'static mut Mutex>) -> Status;
    pub fn sabha_mutex_lock(mutex: &Mutex) -> Status;
    pub fn sabha_mutex_lock_until(mutex: &Mutex, deadline_ns: u64) -> Status;
    pub fn sabha_mutex_try_lock(mutex: &Mutex) -> Status;
    pub fn sabha_mutex_unlock(mutex: &Mutex) -> Status;
    pub fn sabha_mutex_mark_consistent(mutex: &Mutex) -> Status;
    pub fn sabha_mutex_data<'a>(mutex: &'a Mutex, data: &mut Option<&'a Pair>) -> Status;

    pub fn sabha_ring_open(region: &Region, name: Text<'_>, kind: Type, capacity: usize, ring: Out<'_, Ring>) -> Status;
    pub fn sabha_ring_free(ring: Option<&'static mut Ring>) -> Status;
    pub fn sabha_ring_producer(ring: &Ring, policy: i32, producer: Out<'_, Producer>) -> Status;
    pub fn sabha_ring_consumer(ring: &Ring, policy: i32, consumer: Out<'_, Consumer>) -> Status;
    pub fn sabha_producer_free(producer: Option<&'static mut Producer>) -> Status;
    pub fn sabha_producer_try_push(producer: &mut Producer, item: &Item) -> Status;
    pub fn sabha_producer_push_until(producer: &mut Producer, item: &Item, deadline_ns: u64) -> Status;
    fn sabha_producer_push_some(producer: &mut Producer, items: *const Item, count: usize, pushed: &mut usize) -> Status;
    fn sabha_producer_claim(producer: &mut Producer, count: usize, slots: &mut *const Pair, claimed: &mut usize) -> Status;
    pub fn sabha_producer_commit(producer: &mut Producer, count: usize) -> Status;
    pub fn sabha_producer_close(producer: &mut Producer) -> Status;
    pub fn sabha_producer_position(producer: &mut Producer, position: &mut u64) -> Status;
    pub fn sabha_consumer_free(consumer: Option<&'static mut Consumer>) -> Status;
    pub fn sabha_consumer_try_pop(consumer: &mut Consumer, item: &mut Item) -> Status;
    pub fn sabha_consumer_pop_until(consumer: &mut Consumer, item: &mut Item, deadline_ns: u64) -> Status;
    fn sabha_consumer_pop_some(consumer: &mut Consumer, items: *mut Item, count: usize, popped: &mut usize) -> Status;
    fn sabha_consumer_read(consumer: &mut Consumer, count: usize, items: &mut *const Pair, read: &mut usize) -> Status;
    pub fn sabha_consumer_release(consumer: &mut Consumer, count: usize) -> Status;
    pub fn sabha_consumer_close(consumer: &mut Consumer) -> Status;
    pub fn sabha_consumer_position(consumer: &mut Consumer, position: &mut u64) -> Status;
}

/// The last failure of this thread in words.
pub fn last_error() -> String {
    let mut buffer = [0_u8; 200];
    let len = sabha_last_error(buffer.as_mut_ptr().cast(), buffer.len());
    String::from_utf8_lossy(&buffer[..len.min(buffer.len() - 1)]).into_owned()
}

pub fn push_some(producer: &mut Producer, items: &[Item]) -> Result<usize, Status> {
    let mut pushed = 0;
    match sabha_producer_push_some(producer, items.as_ptr(), items.len(), &mut pushed) {
        Status::OK => Ok(pushed),
        refused => Err(refused),
    }
}

pub fn pop_some(consumer: &mut Consumer, items: &mut [Item]) -> Result<usize, Status> {
    let mut popped = 0;
    match sabha_consumer_pop_some(consumer, items.as_mut_ptr(), items.len(), &mut popped) {
        Status::OK => Ok(popped),
        refused => Err(refused),
    }
}

/// The slots that `sabha_producer_claim` gives.
pub fn claim(producer: &mut Producer, count: usize) -> &[Pair] {
    let (mut slots, mut claimed) = (core::ptr::null(), 0);
    sabha_producer_claim(producer, count, &mut slots, &mut claimed).ok();
    // SAFETY: so many slots of the producer's, until the next call with it.
    unsafe { core::slice::from_raw_parts(slots, claimed) }
}

/// The items that `sabha_consumer_read` gives.
pub fn read(consumer: &mut Consumer, count: usize) -> &[Pair] {
    let (mut items, mut seen) = (core::ptr::null(), 0);
    sabha_consumer_read(consumer, count, &mut items, &mut seen).ok();
    // SAFETY: so many items, which are the consumer's until the next call with it.
    unsafe { core::slice::from_raw_parts(items, seen) }
}

/// A type that elements can have.
pub trait Number: Copy + PartialEq + std::fmt::Debug + 'static {
    const NAME: &'static str;
    const CODE: i32;
    const IS_INTEGER: bool;
    /// A small number.
    fn of(small: u8) -> Self;
}

macro_rules! numbers {
    ($($number:ident $code:literal $is_integer:literal)*) => {$(
        impl Number for $number {
            const NAME: &'static str = stringify!($number);
            const CODE: i32 = $code;
            const IS_INTEGER: bool = $is_integer;

            fn of(small: u8) -> Self {
                small as Self
            }
        }
    )*};
}

numbers! {
    i8 1 true
    u8 2 true
    i16 3 true
    u16 4 true
    i32 5 true
    u32 6 true
    i64 7 true
    u64 8 true
    f32 9 false
    f64 10 false
}

/// Functions that there are for several types of elements, as fields; `new` finds those of type `T`.
macro_rules! functions_of {
    ($(#[$doc:meta])* $group:ident: $($public:vis $name:ident($($type:ty),*);)*) => {
        $(#[$doc])*
        pub struct $group<T: Number> {
            $($public $name: extern "C" fn(&Array, usize, $($type),*) -> Status,)*
        }

        impl<T: Number> $group<T> {
            pub fn new() -> Self {
                let name = |name| format!("sabha_{}_{name}", T::NAME);
                // SAFETY: declared below as in the header.
                Self { $($name: unsafe { function(&name(stringify!($name))) },)* }
            }
        }
    };
}

functions_of! {
    /// `SABHA_ELEMENT_FUNCTIONS`.
    Elements:
    pub load(&mut T);
    pub store(T);
    pub exchange(T, Option<&mut T>);
    pub compare_exchange(T, T, Option<&mut T>);
    copy_to(*mut T, usize);
    copy_from(*const T, usize);
    pub fill(usize, T);
}

functions_of! {
    /// What `SABHA_INTEGER_FUNCTIONS` has more.
    Integers:
    pub fetch_add(T, Option<&mut T>);
    pub fetch_sub(T, Option<&mut T>);
    pub fetch_and(T, Option<&mut T>);
    pub fetch_or(T, Option<&mut T>);
    pub fetch_xor(T, Option<&mut T>);
}

functions_of! {
    /// `SABHA_WAIT_FUNCTIONS`.
    Waits:
    pub wait_until(T, u64);
    pub notify(u32, Option<&mut u32>);
    pub store_and_notify(T, u32, Option<&mut u32>);
    pub add_and_notify(T, u32, Option<&mut T>, Option<&mut u32>);
}

impl<T: Number> Elements<T> {
    pub fn get(&self, array: &Array, index: usize) -> T {
        let mut value = T::of(0);
        (self.load)(array, index, &mut value).ok();
        value
    }

    pub fn read(&self, array: &Array, start: usize, target: &mut [T]) {
        (self.copy_to)(array, start, target.as_mut_ptr(), target.len()).ok();
    }

    pub fn write(&self, array: &Array, start: usize, source: &[T]) {
        (self.copy_from)(array, start, source.as_ptr(), source.len()).ok();
    }
}
